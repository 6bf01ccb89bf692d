from __future__ import annotations

import pytest

from quipu_client import Delivery, Nack, NackAction, NotSettled, NotSettledReason, Park, Settled, Skip
from quipu_client.desk import Desk, Work

from .recorded import recorded


def delivery(position: int, try_number: int = 1) -> Delivery:
    return Delivery(recorded(position=position), try_number)


def begun(desk: Desk, position: int = 1, try_number: int = 1) -> Work:
    work = desk.take(delivery(position, try_number))
    assert work is not None
    return work


def settled(*positions: int) -> Settled:
    return Settled(positions, ())


def refused(position: int, reason: NotSettledReason) -> Settled:
    return Settled((), (NotSettled(position, reason),))


def test_what_is_done_is_said_once_and_forgotten_when_it_is_confirmed() -> None:
    desk = Desk()
    work = begun(desk)
    assert desk.take_finished() == ([], [])
    desk.finish(work, [])
    assert desk.take_finished() == ([1], [])
    assert desk.take_finished() == ([], [])
    assert not desk.is_clear
    desk.confirm(settled(1))
    assert desk.is_clear
    assert desk.take(delivery(1)) is not None


def test_an_event_that_is_in_hand_is_not_begun_again() -> None:
    desk = Desk()
    begun(desk)
    assert desk.take(delivery(1, 2)) is None
    assert desk.metrics().in_flight == 1


def test_the_handlers_that_succeeded_are_remembered_until_the_event_is_settled() -> None:
    desk = Desk()
    work = begun(desk)
    work.succeeded.add(0)
    desk.finish(work, [ValueError("no"), RuntimeError("never")])
    assert desk.take_finished() == ([], [Nack(1, NackAction.RETRY, "ValueError: no; RuntimeError: never")])
    desk.confirm(settled(1))
    assert desk.is_clear
    again = begun(desk, try_number=2)
    assert again.succeeded == {0}
    desk.finish(again, [])
    desk.take_finished()
    desk.confirm(settled(1))
    assert begun(desk).succeeded == set()


def test_the_first_that_wants_it_parked_or_skipped_decides() -> None:
    desk = Desk()
    desk.finish(begun(desk, 1), [ValueError("no"), Park("odd"), Skip()])
    desk.finish(begun(desk, 2), [Skip("known"), Park()])
    assert desk.take_finished()[1] == [Nack(1, NackAction.PARK, "odd"), Nack(2, NackAction.SKIP, "known")]
    desk.confirm(settled(1, 2))
    assert desk.is_clear


def test_acknowledgements_are_said_again_after_a_break_and_the_others_are_not() -> None:
    desk = Desk()
    for position, failures in ((1, []), (2, [ValueError()]), (3, [Park()])):
        desk.finish(begun(desk, position), failures)
    running = begun(desk, 4)
    desk.take_finished()
    desk.reconnect()
    assert desk.take_finished() == ([1], [])
    desk.finish(running, [])
    assert desk.take_finished() == ([4], [])
    assert desk.take(delivery(2, 2)) is not None


def test_an_acknowledgement_that_was_lost_is_said_again_when_the_event_comes_again() -> None:
    desk = Desk()
    desk.finish(begun(desk), [])
    desk.take_finished()
    desk.confirm(refused(1, NotSettledReason.NOT_DELIVERED))
    assert desk.is_clear
    assert desk.take(delivery(1, 2)) is None
    assert desk.take_finished() == ([1], [])
    desk.confirm(refused(1, NotSettledReason.ALREADY_SETTLED))
    assert desk.take(delivery(1)) is not None


def test_a_try_is_counted_as_parked_when_it_was_the_last() -> None:
    desk = Desk()
    desk.max_tries = 2
    work = begun(desk)
    work.succeeded.add(0)
    desk.finish(work, [ValueError()])
    desk.take_finished()
    desk.confirm(settled(1))
    desk.finish(begun(desk, try_number=2), [ValueError()])
    desk.take_finished()
    desk.confirm(settled(1))
    metrics = desk.metrics()
    assert (metrics.failed, metrics.parked, metrics.in_flight) == (2, 1, 0)
    # A replay counts its tries anew, and its handlers as well.
    assert begun(desk).succeeded == set()


def test_counts_and_times() -> None:
    desk = Desk()
    desk.finish(begun(desk, 1), [])
    desk.finish(begun(desk, 2), [], is_handled=False)
    desk.finish(begun(desk, 3), [Skip()])
    desk.finish(begun(desk, 4), [Park()])
    desk.time("Noted", 0.5)
    desk.time("Noted", 0.25)
    metrics = desk.metrics()
    counts = (metrics.handled, metrics.unhandled, metrics.skipped, metrics.parked, metrics.failed)
    assert counts == (1, 1, 1, 1, 0)
    assert metrics.times == {"Noted": metrics.times["Noted"]}
    assert (metrics.times["Noted"].count, metrics.times["Noted"].sum, metrics.times["Noted"].max) == (2, 0.75, 0.5)


def test_no_more_is_remembered_than_there_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quipu_client.desk.REMEMBERED_MAX", 2)
    desk = Desk()
    for position in (1, 2, 3):
        work = begun(desk, position)
        work.succeeded.add(0)
        desk.finish(work, [ValueError()])
        desk.take_finished()
        desk.confirm(settled(position))
    assert [bool(begun(desk, position).succeeded) for position in (1, 2, 3)] == [False, True, True]
