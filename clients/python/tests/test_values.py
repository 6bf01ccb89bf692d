from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from quipu_client import (
    ExpectedCheckpoint,
    GroupSettings,
    Guard,
    NewDocument,
    NewEvent,
    Order,
    Query,
    QueryItem,
    StreamMetadata,
    proto,
)
from quipu_client.batch import Batch
from quipu_client.event import RecordedEvent
from quipu_client.expected import Expected
from quipu_client.read_model import DocumentKey
from quipu_client.retry import RetryPolicy
from quipu_client.settings import ConnectionSettings
from quipu_client.wire import is_json, time_from_wire, time_to_wire, until_to_wire


@dataclass
class Order7:
    total: int
    city: str


def test_payloads_are_bytes_or_json() -> None:
    assert NewEvent("T").data == b""
    assert NewEvent("T", b"\xff").data == b"\xff"
    assert NewEvent("T", None).data == b"null"
    assert NewEvent("T", {"city": "Zürich"}).data == '{"city":"Zürich"}'.encode()
    assert NewEvent("T", Order7(3, "Turin")).data == b'{"total":3,"city":"Turin"}'
    for wrong in (float("inf"), object(), Order7):
        with pytest.raises((TypeError, ValueError)):
            NewEvent("T", wrong)


def test_an_event_has_its_own_id_and_keeps_its_payload_to_itself() -> None:
    first, second = NewEvent("T", {"secret": 1}), NewEvent("T")
    assert first.id != second.id
    assert first.id == first.id.lower()
    assert "secret" not in repr(first)


def test_an_event_comes_back_as_it_was_sent() -> None:
    occurred = datetime(2026, 3, 1, 12, 30, 0, 123456, tzinfo=timezone.utc)
    event = NewEvent(
        "T",
        {"a": 1},
        tags=["x:1"],
        metadata={"k": "v"},
        schema_version="2",
        correlation_id="c",
        causation_id="d",
        occurred_at=occurred,
    )
    wire = proto.RecordedEvent.FromString(event.to_wire().SerializeToString())
    back = RecordedEvent.from_wire(wire)
    assert (back.id, back.type, back.json(), back.tags) == (event.id, "T", {"a": 1}, ("x:1",))
    assert (back.metadata, back.schema_version, back.occurred_at) == ({"k": "v"}, "2", occurred)
    assert (back.correlation_id, back.causation_id, back.content_type) == ("c", "d", "application/json")


def test_times_need_a_zone_and_keep_microseconds() -> None:
    with pytest.raises(ValueError, match="zone"):
        time_to_wire(datetime(2026, 1, 1))
    for time in (datetime(1969, 12, 31, 23, 59, 59, 999999, timezone.utc), datetime(2262, 1, 1, tzinfo=timezone.utc)):
        assert time_from_wire(time_to_wire(time)) == time
    assert time_to_wire(datetime(1969, 12, 31, 23, 59, 59, 999999, timezone.utc)).nanos == 999_999_000


def test_a_time_that_was_cut_off_is_late_enough_to_find_what_it_is_of() -> None:
    recorded = Timestamp(seconds=7, nanos=123_456_789)
    until = until_to_wire(time_from_wire(recorded))
    assert (until.seconds, until.nanos) == (7, 123_456_999)
    assert until_to_wire(datetime(1970, 1, 1, 0, 0, 0, 999_999, timezone.utc)).nanos == 999_999_999


def test_values_go_over_the_wire_and_back() -> None:
    for expected in (Expected.any(), Expected.no_stream(), Expected.stream_exists(), Expected.revision(0)):
        assert Expected.from_wire(expected.to_wire()) == expected
    query = Query(QueryItem(types=["A"], tags=["t"], categories=["c"], stream_prefix="p", correlation_id="x"))
    for each in (query, Query.all()):
        assert Query.from_wire(each.to_wire()) == each
    for order in (Order.by_stream(), Order.by_tag_key("customer"), Order.unordered()):
        settings = GroupSettings(query, order, timedelta(1), 3, timedelta(0, 1), timedelta(0, 2), 5)
        assert GroupSettings.from_wire(settings.to_wire()) == settings
    for metadata in (StreamMetadata(), StreamMetadata(timedelta(days=1, microseconds=5), 1, 0, {"owner": "ada"})):
        assert StreamMetadata.from_wire(metadata.to_wire()) == metadata


def test_no_condition_is_unset_and_no_checkpoint_is_empty() -> None:
    assert ExpectedCheckpoint.any().to_wire() is None
    assert ExpectedCheckpoint.no_checkpoint().to_wire() == proto.CheckpointsSetRequest.Expected()
    at_zero = ExpectedCheckpoint.at(0).to_wire()
    assert at_zero is not None
    assert at_zero.HasField("position")
    assert not Guard.checkpoint("c", None).to_wire().checkpoint.HasField("position")


def test_json_is_known_by_its_media_type() -> None:
    assert all(map(is_json, ("", "application/json", "Application/JSON; charset=utf-8", "application/ld+json")))
    assert not any(map(is_json, ("text/plain", "application/octet-stream", "application/jsonl")))


def test_an_address_may_have_a_scheme() -> None:
    def settings(address: str, tls: bool = False) -> ConnectionSettings:
        return ConnectionSettings(address, None, 1, tls, 20, 1, RetryPolicy())

    assert settings("http://127.0.0.1:2113/").target == "127.0.0.1:2113"
    assert settings("localhost:2113").credentials is None
    assert settings("https://example.org:443").credentials is not None
    assert settings("example.org:443", tls=True).credentials is not None


def test_a_batch_sees_its_own_changes() -> None:
    batch = Batch(4)
    key = ("customer", "7")
    assert not batch.knows(key)
    assert not batch.has_moved
    batch.learn(key, None)
    assert batch.knows(key)
    assert batch.document(key) is None
    assert not batch.has_changes
    batch.upsert(NewDocument("customer", "7", {"n": 1}))
    batch.upsert(NewDocument("customer", "8", {}))
    changed = batch.document(key)
    assert changed is not None
    assert changed.json() == {"n": 1}
    batch.delete(("customer", "8"))
    assert batch.document(("customer", "8")) is None
    assert [document.id for document in batch.upserts] == ["7"]
    assert batch.deletes == [DocumentKey("customer", "8")]
    batch.move(9)
    batch.move(7)
    assert (batch.expected_position, batch.position, batch.has_moved) == (4, 9, True)
