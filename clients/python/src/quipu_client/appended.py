"""Where appends and transactions go: what they are asked with and what they answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from . import proto
from .event import NewEvent
from .expected import Expected


@dataclass(frozen=True)
class Appended:
    """Where an append went. It is durable."""

    first_revision: int
    last_revision: int
    first_position: int
    last_position: int
    deduplicated: bool
    """Whether the events were already there, from an earlier try, and nothing was added."""

    @classmethod
    def from_wire(cls, wire: proto.AppendResponse) -> Appended:
        """Out of what was received."""
        return cls(wire.first_revision, wire.last_revision, wire.first_position, wire.last_position, wire.deduplicated)


@dataclass(frozen=True)
class StreamAppend:
    """The part of a transaction that goes into one stream."""

    stream: str
    expected: Expected
    events: Sequence[NewEvent]

    def to_wire(self) -> proto.StreamAppend:
        """As it is sent."""
        events = [event.to_wire() for event in self.events]
        return proto.StreamAppend(stream=self.stream, expected=self.expected.to_wire(), events=events)


@dataclass(frozen=True)
class Transacted:
    """Where a transaction went. It is durable."""

    appends: tuple[Appended, ...]
    """For each append, in the order of asking: where it went."""
    first_position: int | None
    """The position of the first event; none when the transaction had no event."""
    last_position: int | None
    """The position of the last event; none when the transaction had no event."""
    deduplicated: bool
    """Whether the events were already there, from an earlier try, and nothing was changed."""

    @classmethod
    def from_wire(cls, wire: proto.TransactResponse) -> Transacted:
        """Out of what was received."""
        return cls(
            tuple(Appended.from_wire(append) for append in wire.appends),
            wire.first_position if wire.HasField("first_position") else None,
            wire.last_position if wire.HasField("last_position") else None,
            wire.deduplicated,
        )
