"""From a gRPC status to an error.

The server's reason and its typed detail are in the trailer `grpc-status-details-bin`. A status without them
was made by the transport; if it tells that the connection broke, it counts as UNAVAILABLE whatever its code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any as Anything

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from . import errors, proto
from .errors import Detail, QuipuError
from .expected import Expected

_TRAILER = "grpc-status-details-bin"
_DOMAIN = "quipu"
# gRPC's words for a connection that broke in mid-call, which it gives the codes UNKNOWN, INTERNAL or CANCELLED. The
# last one is said by grpc.aio when something was written to a call that had just ended.
_BROKEN = (
    "Stream removed",
    "RST_STREAM",
    "GOAWAY",
    "Connection reset",
    "Socket closed",
    "Broken pipe",
    "Internal error from Core",
)


def error_from_status(code: grpc.StatusCode, message: str, trailers: Iterable[tuple[str, str | bytes]]) -> QuipuError:
    """The error of a call that ended with this status."""
    encoded = next((value for key, value in trailers if key == _TRAILER), None)
    details = _details(encoded) if isinstance(encoded, bytes) else []
    reason = _reason(details)
    if reason is None and code is not grpc.StatusCode.UNAVAILABLE and any(words in message for words in _BROKEN):
        return QuipuError.unavailable(message)
    return QuipuError(code, message, reason=reason, detail=_typed(details))


def _details(encoded: bytes) -> list[Any]:
    try:
        return list(Status.FromString(encoded).details)
    except DecodeError:
        return []


def _reason(details: Iterable[Any]) -> str | None:
    for packed in details:
        info = ErrorInfo()
        if packed.Is(ErrorInfo.DESCRIPTOR) and packed.Unpack(info) and info.domain == _DOMAIN:
            reason: str = info.reason
            return reason
    return None


def _typed(details: Iterable[Any]) -> Detail | None:
    for packed in details:
        known = _KNOWN.get(packed.type_url.rpartition("/")[2])
        if known is not None:
            message, convert = known
            return convert(message.FromString(packed.value))
    return None


def _wrong_revision(wire: proto.WrongExpectedRevision) -> errors.WrongExpectedRevision:
    actual = wire.actual_revision if wire.HasField("actual_revision") else None
    return errors.WrongExpectedRevision(wire.stream, Expected.from_wire(wire.expected), actual, wire.head)


def _wrong_checkpoint(wire: proto.WrongCheckpoint) -> errors.WrongCheckpoint:
    expected = wire.expected_position if wire.HasField("expected_position") else None
    actual = wire.actual_position if wire.HasField("actual_position") else None
    return errors.WrongCheckpoint(wire.name, expected, actual)


def _guard(wire: proto.GuardNotMet) -> errors.GuardNotMet:
    actual: errors.WrongExpectedRevision | errors.MatchingEvent | errors.WrongCheckpoint | None = None
    if wire.HasField("stream"):
        actual = _wrong_revision(wire.stream)
    elif wire.HasField("event"):
        actual = errors.MatchingEvent(wire.event.position, wire.event.type)
    elif wire.HasField("checkpoint"):
        actual = _wrong_checkpoint(wire.checkpoint)
    return errors.GuardNotMet(wire.index, actual, wire.head)


def _beyond(wire: proto.BeyondEnd) -> errors.BeyondEnd:
    return errors.BeyondEnd(wire.asked, wire.last if wire.HasField("last") else None)


def _wrong_position(wire: proto.WrongReadModelPosition) -> errors.WrongReadModelPosition:
    return errors.WrongReadModelPosition(wire.model, wire.generation, wire.expected_position, wire.actual_position)


_KNOWN: dict[str, tuple[Anything, Callable[[Anything], Detail]]] = {
    "quipu.v1.WrongExpectedRevision": (proto.WrongExpectedRevision, _wrong_revision),
    "quipu.v1.GuardNotMet": (proto.GuardNotMet, _guard),
    "quipu.v1.WrongCheckpoint": (proto.WrongCheckpoint, _wrong_checkpoint),
    "quipu.v1.EventIdConflict": (
        proto.EventIdConflict,
        lambda wire: errors.EventIdConflict(wire.id, wire.stream, wire.position),
    ),
    "quipu.v1.BeyondEnd": (proto.BeyondEnd, _beyond),
    "quipu.v1.LimitExceeded": (
        proto.LimitExceeded,
        lambda wire: errors.LimitExceeded(wire.limit, wire.maximum, wire.actual),
    ),
    "quipu.v1.WrongReadModelPosition": (proto.WrongReadModelPosition, _wrong_position),
    "quipu.v1.NotFoldable": (
        proto.NotFoldable,
        lambda wire: errors.NotFoldable(wire.stream, wire.revision, wire.is_snapshot),
    ),
}
