"""What members of consumer groups are told, and what they say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from . import proto
from .event import RecordedEvent
from .wire import seconds_to_wire, time_from_wire


@dataclass(frozen=True)
class Delivery:
    """An event for a member to deal with, as it is stored: upcasters are applied by whoever handles it."""

    event: RecordedEvent
    try_number: int
    """Which try this is, from 1."""

    @classmethod
    def from_wire(cls, wire: proto.Delivery) -> Delivery:
        """Out of what was received."""
        return cls(RecordedEvent.from_wire(wire.event), wire.try_number)


class NackAction(Enum):
    """What is to be done with an event that was not dealt with."""

    RETRY = "retry"
    """To try again later, unless that was its last try: then it is parked."""
    PARK = "park"
    """To keep it aside at once."""
    SKIP = "skip"
    """To pass over it as if it had been dealt with."""


@dataclass(frozen=True)
class Nack:
    """An event that was not dealt with."""

    position: int
    action: NackAction = NackAction.RETRY
    reason: str = ""
    """Why, in words: kept with a parked event. At most 4 KiB; what is longer is cut by the server."""
    delay: float | None = None
    """Seconds to wait before the next try; the group's backoff by default."""

    def to_wire(self) -> proto.Nack:
        """As it is sent."""
        return proto.Nack(
            position=self.position,
            action=_ACTIONS[self.action],
            reason=self.reason,
            delay=None if self.delay is None else seconds_to_wire(self.delay),
        )


_ACTIONS = {
    NackAction.RETRY: proto.NACK_ACTION_RETRY,
    NackAction.PARK: proto.NACK_ACTION_PARK,
    NackAction.SKIP: proto.NACK_ACTION_SKIP,
}


class NotSettledReason(Enum):
    """Why a position could not be settled."""

    NOT_DELIVERED = "not delivered"
    """The event was not delivered by this group, or not since it was reset."""
    ALREADY_SETTLED = "already settled"
    """It is settled already. What was said first counts."""
    TOO_LATE = "too late"
    """The member's time was up, and this was a nack. (An ack that comes too late is taken.)"""
    UNKNOWN = "unknown"
    """A reason newer than this client."""


_NOT_SETTLED = {
    proto.NOT_SETTLED_REASON_NOT_DELIVERED: NotSettledReason.NOT_DELIVERED,
    proto.NOT_SETTLED_REASON_ALREADY_SETTLED: NotSettledReason.ALREADY_SETTLED,
    proto.NOT_SETTLED_REASON_TOO_LATE: NotSettledReason.TOO_LATE,
}


@dataclass(frozen=True)
class NotSettled:
    """What could not be settled, and why."""

    position: int
    reason: NotSettledReason


@dataclass(frozen=True)
class Settled:
    """What became of settlements."""

    settled: tuple[int, ...]
    """Positions of events whose settlement, an ack or a nack, is durable."""
    not_settled: tuple[NotSettled, ...]

    @classmethod
    def from_wire(cls, wire: proto.ConsumersAckResponse | proto.ConsumersConsumeResponse) -> Settled:
        """Out of what was received."""
        refused = (
            NotSettled(it.position, _NOT_SETTLED.get(it.reason, NotSettledReason.UNKNOWN)) for it in wire.not_settled
        )
        return cls(tuple(wire.settled), tuple(refused))


@dataclass(frozen=True)
class GroupMessage:
    """What a member is told: events to deal with, and what became of what it settled."""

    deliveries: tuple[Delivery, ...]
    outcome: Settled

    @classmethod
    def from_wire(cls, wire: proto.ConsumersConsumeResponse) -> GroupMessage:
        """Out of what was received."""
        return cls(tuple(Delivery.from_wire(delivery) for delivery in wire.deliveries), Settled.from_wire(wire))


@dataclass(frozen=True)
class ParkedEvent:
    """An event kept aside, as it is stored."""

    event: RecordedEvent
    reason: str
    """What the last nack said, or that the time was up."""
    tries: int
    """How often it was delivered."""
    parked_at: datetime

    @classmethod
    def from_wire(cls, wire: proto.ParkedEvent) -> ParkedEvent:
        """Out of what was received."""
        return cls(RecordedEvent.from_wire(wire.event), wire.reason, wire.tries, time_from_wire(wire.parked_at))


def settle_to_wire(ack: Sequence[int], nack: Sequence[Nack]) -> proto.Settle:
    """Settlements as they are sent."""
    return proto.Settle(ack=ack, nack=[each.to_wire() for each in nack])
