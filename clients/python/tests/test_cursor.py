from __future__ import annotations

from datetime import datetime, timezone

from quipu_client import CaughtUp, Checkpoint, Events, FellBehind, Heartbeat, Message, Query, Reconnected, proto
from quipu_client.cursor import LogCursor, ReadPlace, StreamCursor

from .recorded import recorded

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
SIGNALS: list[Message] = [CaughtUp(9), FellBehind(9, 20), Checkpoint(9), Heartbeat(9, NOW)]


def test_events_move_a_cursor_by_position_or_revision() -> None:
    events = Events([recorded(revision=3, position=70), recorded(revision=4, position=80)])
    log, stream = LogCursor(), StreamCursor("s", 2)
    log.move(events)
    stream.move(events)
    assert log.request().after_position == 80
    assert stream.request().after_revision == 4


def test_signals_move_a_cursor_of_the_log_only_and_never_back() -> None:
    for signal in SIGNALS:
        log, ahead, stream = LogCursor("end"), LogCursor(12), StreamCursor("s", 1)
        for cursor in (log, ahead, stream):
            cursor.move(signal)
        assert log.request().after_position == 9
        assert ahead.request().after_position == 12
        assert stream.request().after_revision == 1
    unmoved = LogCursor("end")
    unmoved.move(Reconnected())
    assert unmoved.request().HasField("end")


def test_a_cursor_asks_for_where_it_begins() -> None:
    assert LogCursor().request() == proto.SubscribeAllRequest()
    assert LogCursor(0).request().WhichOneof("from") == "after_position"
    assert LogCursor(NOW).request().from_time.seconds == int(NOW.timestamp())
    request = LogCursor(query=Query.types("A"), include_system=True).request()
    assert (list(request.query.items[0].types), request.include_system) == (["A"], True)
    assert StreamCursor("s", types=["A"]).request() == proto.SubscribeStreamRequest(stream="s", types=["A"])


def test_an_empty_log_is_a_place_to_resume_from() -> None:
    cursor = LogCursor("end")
    cursor.move(CaughtUp(0))
    assert cursor.request().WhichOneof("from") == "after_position"


def test_a_read_goes_on_behind_what_has_come() -> None:
    place = ReadPlace(proto.ReadAllRequest(limit=5))
    place.move([recorded(position=3), recorded(position=8)])
    assert isinstance(place.request, proto.ReadAllRequest)
    assert (place.request.from_position, place.request.limit, place.is_over) == (9, 3, False)
    place.move([recorded(position=n) for n in (9, 10, 11)])
    assert place.is_over


def test_a_read_backwards_ends_before_the_first_event() -> None:
    place = ReadPlace(proto.ReadStreamRequest(stream="s", direction=proto.DIRECTION_BACKWARDS))
    place.move([recorded(revision=5)])
    assert isinstance(place.request, proto.ReadStreamRequest)
    assert (place.request.from_revision, place.is_over) == (4, False)
    place.move([recorded(revision=0)])
    assert place.is_over
    log = ReadPlace(proto.ReadAllRequest(direction=proto.DIRECTION_BACKWARDS))
    log.move([recorded(position=1)])
    assert log.is_over


def test_a_read_with_a_snapshot_goes_on_behind_it() -> None:
    place = ReadPlace(proto.ReadStreamRequest(stream="s", with_snapshot=True))
    place.move([], snapshot_revision=7)
    assert isinstance(place.request, proto.ReadStreamRequest)
    assert (place.request.from_revision, place.request.with_snapshot) == (8, False)
    place.move([recorded(revision=8)])
    assert place.request.from_revision == 9


def test_a_read_of_which_nothing_has_come_is_asked_for_again() -> None:
    request = proto.ReadAllRequest(from_position=4, limit=2)
    place = ReadPlace(request)
    place.move([])
    assert place.request == proto.ReadAllRequest(from_position=4, limit=2)
