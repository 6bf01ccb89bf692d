from __future__ import annotations

import grpc
import pytest
from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from quipu_client import (
    BeyondEnd,
    Detail,
    Expected,
    GuardNotMet,
    MatchingEvent,
    QuipuError,
    WrongCheckpoint,
    WrongExpectedRevision,
    proto,
)
from quipu_client.errors import CONFLICTS
from quipu_client.status import error_from_status

Code = grpc.StatusCode


def error(code: Code, reason: str, *details: Message, domain: str = "quipu") -> QuipuError:
    packed = []
    for message in (ErrorInfo(reason=reason, domain=domain), *details):
        any_message = Any()
        any_message.Pack(message)
        packed.append(any_message)
    status = Status(code=code.value[0], message="words", details=packed)
    return error_from_status(code, "words", [("grpc-status-details-bin", status.SerializeToString())])


WRONG_REVISION = proto.WrongExpectedRevision(stream="s", expected=Expected.revision(3).to_wire(), head=9)


@pytest.mark.parametrize(
    ("detail", "wanted"),
    [
        (WRONG_REVISION, WrongExpectedRevision("s", Expected.revision(3), None, 9)),
        (proto.BeyondEnd(asked=3, last=0), BeyondEnd(3, 0)),
        (proto.WrongCheckpoint(name="c", actual_position=0), WrongCheckpoint("c", None, 0)),
        (
            proto.GuardNotMet(index=1, stream=WRONG_REVISION, head=9),
            GuardNotMet(1, WrongExpectedRevision("s", Expected.revision(3), None, 9), 9),
        ),
        (
            proto.GuardNotMet(event=proto.GuardNotMet.MatchingEvent(position=4, type="T")),
            GuardNotMet(0, MatchingEvent(4, "T"), 0),
        ),
        (proto.GuardNotMet(index=2), GuardNotMet(2, None, 0)),
    ],
)
def test_details_are_values(detail: Message, wanted: Detail) -> None:
    assert error(Code.FAILED_PRECONDITION, "ANY", detail).detail == wanted


def test_conflicts_are_known_by_their_reason() -> None:
    for reason in ("WRONG_EXPECTED_REVISION", "GUARD_NOT_MET", "WRONG_CHECKPOINT", "WRONG_READ_MODEL_POSITION"):
        assert error(Code.FAILED_PRECONDITION, reason).is_conflict
    assert not error(Code.FAILED_PRECONDITION, "STREAM_TOMBSTONED").is_conflict


def test_reasons_are_those_of_the_protocol() -> None:
    known = {name.removeprefix("ERROR_REASON_") for name in proto.ErrorReason.keys()}  # noqa: SIM118
    assert known >= CONFLICTS


def test_only_a_server_that_is_away_is_worth_another_try() -> None:
    assert error(Code.UNAVAILABLE, "SHUTTING_DOWN").is_retryable
    assert not error(Code.RESOURCE_EXHAUSTED, "QUEUE_FULL").is_retryable
    assert not error(Code.FAILED_PRECONDITION, "WRONG_EXPECTED_REVISION").is_retryable


def test_a_connection_that_broke_counts_as_unavailable() -> None:
    broken = error_from_status(Code.UNKNOWN, "Stream removed", [])
    assert (broken.code, broken.reason, broken.is_retryable) == (Code.UNAVAILABLE, None, True)
    own = error_from_status(Code.INTERNAL, "Exception deserializing response!", [])
    assert (own.code, own.is_retryable) == (Code.INTERNAL, False)


def test_reasons_of_others_and_details_that_are_none_are_passed_over() -> None:
    assert error(Code.NOT_FOUND, "STREAM_NOT_FOUND", domain="other").reason is None
    assert error_from_status(Code.NOT_FOUND, "words", [("grpc-status-details-bin", b"\xff")]).reason is None
    unknown = error(Code.NOT_FOUND, "STREAM_NOT_FOUND", proto.Start())
    assert (unknown.reason, unknown.detail) == ("STREAM_NOT_FOUND", None)


def test_an_error_says_its_reason_and_words() -> None:
    assert str(error(Code.NOT_FOUND, "STREAM_NOT_FOUND")) == "STREAM_NOT_FOUND: words"
    assert str(QuipuError.unavailable("words")) == "UNAVAILABLE: words"
