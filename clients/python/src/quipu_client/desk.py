"""What a reactor has in hand, and what it says of it.

Owns `Desk`, the part of a reactor that neither waits nor speaks: which deliveries are begun, which handlers of an
event have succeeded, what is to be settled and what of that is confirmed, and the counts. It may be used from many
threads.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from .delivery import Delivery, Nack, NackAction, NotSettledReason, Settled
from .event import RecordedEvent

REMEMBERED_MAX = 20_000
"""Events whose succeeded handlers are remembered at most, until they come again; the oldest is forgotten first."""


class Park(Exception):  # noqa: N818
    """Raised by a handler: keep the event aside at once, with this reason."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class Skip(Exception):  # noqa: N818
    """Raised by a handler: pass over the event as if it had been dealt with."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass
class HandlerTime:
    """How long handlers took, in seconds."""

    count: int = 0
    sum: float = 0.0
    max: float = 0.0


@dataclass(frozen=True)
class ReactorMetrics:
    """What a reactor has done since it was made."""

    handled: int
    """Events that all handlers succeeded for."""
    failed: int
    """Tries in which a handler raised."""
    parked: int
    """Events parked: by a handler, or since that was their last try."""
    skipped: int
    """Events that a handler skipped."""
    unhandled: int
    """Events without a handler, acknowledged."""
    in_flight: int
    """Events that handlers run for just now."""
    times: dict[str, HandlerTime]
    """How long calls of handlers took, by the type of the event."""


class _State(Enum):
    RUNNING = 1
    FINISHED = 2  # it has an outcome to be said
    SAID = 3  # its outcome is not confirmed yet


@dataclass
class Work:
    """One event on its way through its handlers."""

    event: RecordedEvent
    try_number: int
    succeeded: set[int] = field(default_factory=set)
    """The places of the handlers that need not be called again."""
    nack: Nack | None = None
    """What is said of it; none is an acknowledgement."""
    state: _State = _State.RUNNING

    @property
    def position(self) -> int:
        """Where the event is in the log."""
        return self.event.position


class Desk:
    """The works of a reactor, by position."""

    def __init__(self) -> None:
        self.max_tries = 0
        """After so many tries the group parks an event; 0 when that is not known."""
        self._lock = threading.RLock()
        self._in_hand: dict[int, Work] = {}
        self._remembered: dict[int, Work] = {}
        self._counts = dict.fromkeys(("handled", "failed", "parked", "skipped", "unhandled"), 0)
        self._times: dict[str, HandlerTime] = {}

    def take(self, delivery: Delivery) -> Work | None:
        """What is to be begun; none when the event is in hand already, or needs only be acknowledged again."""
        with self._lock:
            position = delivery.event.position
            work = self._in_hand.get(position) or self._remembered.pop(position, None)
            if work is None:
                self._in_hand[position] = work = Work(delivery.event, delivery.try_number)
                return work
            self._in_hand[position] = work
            work.try_number = delivery.try_number
            if work.state is _State.RUNNING:
                return None
            if work.nack is None:
                work.state = _State.FINISHED
                return None
            work.nack, work.state = None, _State.RUNNING
            return work

    def finish(self, work: Work, failures: Sequence[Exception], *, is_handled: bool = True) -> None:
        """Note how an event's handlers ended; the first that wants it parked or skipped decides."""
        with self._lock:
            work.nack = _nack(work.position, failures)
            work.state = _State.FINISHED
            self._count(work, is_handled)

    def take_finished(self) -> tuple[list[int], list[Nack]]:
        """What is to be said now: acknowledgements and the others."""
        with self._lock:
            finished = [work for work in self._in_hand.values() if work.state is _State.FINISHED]
            for work in finished:
                work.state = _State.SAID
            acks = [work.position for work in finished if work.nack is None]
            return acks, [work.nack for work in finished if work.nack is not None]

    def confirm(self, outcome: Settled) -> None:
        """Note what became of what was said."""
        with self._lock:
            for position in outcome.settled:
                work = self._put_away(position)
                if work is not None and self._comes_again(work):
                    self._remember(work)
            for refused in outcome.not_settled:
                work = self._put_away(refused.position)
                if work is not None and refused.reason is not NotSettledReason.ALREADY_SETTLED:
                    self._remember(work)

    def reconnect(self) -> None:
        """Note that what was said and not confirmed may be lost.

        Acknowledgements are said again, since one that comes late is taken. The others are not: the event is
        delivered again, and they might hit that try.
        """
        with self._lock:
            for work in [it for it in self._in_hand.values() if it.state is not _State.RUNNING]:
                if work.nack is None:
                    work.state = _State.FINISHED
                else:
                    del self._in_hand[work.position]
                    self._remember(work)

    def time(self, event_type: str, seconds: float) -> None:
        """Note how long a call of a handler took."""
        with self._lock:
            times = self._times.setdefault(event_type, HandlerTime())
            times.count += 1
            times.sum += seconds
            times.max = max(times.max, seconds)

    @property
    def is_clear(self) -> bool:
        """Whether nothing runs, and all that was to be said is confirmed."""
        with self._lock:
            return not self._in_hand

    def metrics(self) -> ReactorMetrics:
        """The counts as they are now."""
        with self._lock:
            running = sum(work.state is _State.RUNNING for work in self._in_hand.values())
            times = {name: HandlerTime(it.count, it.sum, it.max) for name, it in self._times.items()}
            return ReactorMetrics(**self._counts, in_flight=running, times=times)

    def _put_away(self, position: int) -> Work | None:
        """Take a work whose outcome was said from those in hand."""
        work = self._in_hand.get(position)
        if work is None or work.state is not _State.SAID:
            return None
        return self._in_hand.pop(position)

    def _remember(self, work: Work) -> None:
        """Keep a work for the handlers that have succeeded, until its event comes again."""
        self._remembered[work.position] = work
        if len(self._remembered) > REMEMBERED_MAX:
            del self._remembered[next(iter(self._remembered))]

    def _comes_again(self, work: Work) -> bool:
        return work.nack is not None and work.nack.action is NackAction.RETRY and not self._is_last(work)

    def _is_last(self, work: Work) -> bool:
        return 0 < self.max_tries <= work.try_number

    def _count(self, work: Work, is_handled: bool) -> None:
        match work.nack:
            case None:
                self._counts["handled" if is_handled else "unhandled"] += 1
            case Nack(action=NackAction.SKIP):
                self._counts["skipped"] += 1
            case Nack(action=NackAction.PARK):
                self._counts["parked"] += 1
            case _:
                self._counts["failed"] += 1
                self._counts["parked"] += self._is_last(work)


def _nack(position: int, failures: Sequence[Exception]) -> Nack | None:
    for failure in failures:
        if isinstance(failure, Park):
            return Nack(position, NackAction.PARK, failure.reason)
        if isinstance(failure, Skip):
            return Nack(position, NackAction.SKIP, failure.reason)
    if not failures:
        return None
    return Nack(position, NackAction.RETRY, "; ".join(f"{type(it).__name__}: {it}" for it in failures))
