"""What a subscription delivers: events, or a signal. All positions are positions in the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from . import proto
from .event import RecordedEvent
from .wire import time_from_wire


@dataclass(frozen=True)
class Events:
    """The next events, in order; never empty. They are as stored: `upcasters` apply when they are iterated singly."""

    events: Sequence[RecordedEvent]


@dataclass(frozen=True)
class CaughtUp:
    """Everything there is has been delivered; what follows is live."""

    position: int
    """The head at that moment."""


@dataclass(frozen=True)
class FellBehind:
    """The subscriber is too slow for the live part and is served from disk for a while. Nothing is lost."""

    position: int
    """The last position delivered or passed."""
    head: int
    """The head at that moment."""


@dataclass(frozen=True)
class Checkpoint:
    """Everything up to this position has been delivered or did not match."""

    position: int
    """A place to resume from."""


@dataclass(frozen=True)
class Heartbeat:
    """Nothing happened for a while; everything up to this position has been delivered or did not match."""

    position: int
    """The head at that moment."""
    time: datetime
    """Server time."""


@dataclass(frozen=True)
class Reconnected:
    """The connection broke and is there again. Nothing is lost."""


Message: TypeAlias = Events | CaughtUp | FellBehind | Checkpoint | Heartbeat | Reconnected


def message_from_wire(wire: proto.SubscribeAllResponse | proto.SubscribeStreamResponse) -> Message | None:
    """Out of what was received; none is a signal newer than this client, to be passed over."""
    if wire.events:
        return Events([RecordedEvent.from_wire(event) for event in wire.events])
    match wire.WhichOneof("signal"):
        case "caught_up":
            return CaughtUp(wire.caught_up.position)
        case "fell_behind":
            return FellBehind(wire.fell_behind.position, wire.fell_behind.head)
        case "checkpoint" if isinstance(wire, proto.SubscribeAllResponse):
            return Checkpoint(wire.checkpoint.position)
        case "heartbeat":
            return Heartbeat(wire.heartbeat.position, time_from_wire(wire.heartbeat.time))
        case _:
            return None
