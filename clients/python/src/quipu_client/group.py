"""Consumer groups: their settings, where they begin, and how they are doing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from . import proto
from .query import Query
from .wire import duration_from_wire, duration_to_wire, time_from_wire, time_to_wire


@dataclass(frozen=True)
class Order:
    """What a group delivers in order, one after the other is settled. Made by its class methods."""

    kind: Literal["by_stream", "by_tag_key", "unordered"]
    tag_key: str = ""

    @classmethod
    def by_stream(cls) -> Order:
        """The events of each stream."""
        return cls("by_stream")

    @classmethod
    def by_tag_key(cls, key: str) -> Order:
        """Events with the same value of the tag with this key, the part before the `:`."""
        return cls("by_tag_key", key)

    @classmethod
    def unordered(cls) -> Order:
        """Nothing: every event stands for itself."""
        return cls("unordered")


@dataclass(frozen=True)
class GroupSettings:
    """How a group works. What is left unset is up to the server; its defaults are named here."""

    query: Query | None = None
    """Which events; all by default. It can not be changed later."""
    order: Order = Order("by_stream")
    """What is delivered in order. It can not be changed later."""
    ack_timeout: timedelta | None = None
    """How long a member may take to settle an event; 30 s, at least 100 ms, at most 12 hours."""
    max_tries: int | None = None
    """After so many tries an event is parked; 10, at most 1,000."""
    backoff: timedelta | None = None
    """How long to wait before the second try, doubled for each further one; 200 ms."""
    backoff_max: timedelta | None = None
    """The longest wait between tries; 30 s, at most 12 hours."""
    max_outstanding: int | None = None
    """How many events may be taken from the log and not be settled yet; 10,000, at most 100,000."""

    def to_wire(self) -> proto.ConsumerGroupSettings:
        """As it is sent."""
        wire = proto.ConsumerGroupSettings(
            query=None if self.query is None else self.query.to_wire(),
            ack_timeout=None if self.ack_timeout is None else duration_to_wire(self.ack_timeout),
            max_tries=self.max_tries or 0,
            backoff=None if self.backoff is None else duration_to_wire(self.backoff),
            backoff_max=None if self.backoff_max is None else duration_to_wire(self.backoff_max),
            max_outstanding=self.max_outstanding or 0,
        )
        match self.order.kind:
            case "by_stream":
                wire.by_stream.SetInParent()
            case "by_tag_key":
                wire.by_tag_key = self.order.tag_key
            case "unordered":
                wire.unordered.SetInParent()
        return wire

    @classmethod
    def from_wire(cls, wire: proto.ConsumerGroupSettings) -> GroupSettings:
        """Out of what was received, with the server's defaults."""
        match wire.WhichOneof("order"):
            case "by_tag_key":
                order = Order.by_tag_key(wire.by_tag_key)
            case "unordered":
                order = Order.unordered()
            case _:
                order = Order.by_stream()
        return cls(
            Query.from_wire(wire.query) if wire.HasField("query") else None,
            order,
            duration_from_wire(wire.ack_timeout),
            wire.max_tries,
            duration_from_wire(wire.backoff),
            duration_from_wire(wire.backoff_max),
            wire.max_outstanding,
        )


@dataclass(frozen=True)
class GroupStart:
    """Where a group begins. Made by its class methods."""

    kind: Literal["start", "end", "after_position", "from_time"] = "start"
    position: int = 0
    time: datetime | None = None

    @classmethod
    def start(cls) -> GroupStart:
        """With the first event."""
        return cls("start")

    @classmethod
    def end(cls) -> GroupStart:
        """With the next event."""
        return cls("end")

    @classmethod
    def after_position(cls, position: int) -> GroupStart:
        """With the first event after this position, exclusive; at most the head."""
        return cls("after_position", position)

    @classmethod
    def from_time(cls, time: datetime) -> GroupStart:
        """With the first event recorded at this time or later."""
        return cls("from_time", time=time)

    def to_wire(self) -> proto.ConsumerGroupStart:
        """As it is sent."""
        match self.kind, self.time:
            case "end", _:
                return proto.ConsumerGroupStart(end=proto.End())
            case "after_position", _:
                return proto.ConsumerGroupStart(after_position=self.position)
            case "from_time", datetime() as time:
                return proto.ConsumerGroupStart(from_time=time_to_wire(time))
            case _:
                return proto.ConsumerGroupStart(start=proto.Start())


@dataclass(frozen=True)
class OldestUnsettled:
    """The oldest event of a group that is not settled."""

    position: int
    recorded_at: datetime
    tries: int
    """How often it was delivered."""


@dataclass(frozen=True)
class GroupMember:
    """Somebody who takes part in a group."""

    name: str
    credits: int
    """How many events it wants to have in flight."""
    in_flight: int


@dataclass(frozen=True)
class GroupCounts:
    """What a group has done since the server started."""

    delivered: int
    acknowledged: int
    skipped: int
    retried: int
    parked: int


@dataclass(frozen=True)
class ConsumerGroup:
    """How a group is doing."""

    name: str
    settings: GroupSettings
    created_at: datetime
    is_paused: bool
    settled_position: int
    """Everything up to here, inclusive, is settled, parked or does not match."""
    read_position: int
    """How far the group has read the log."""
    head: int
    """The head of the log."""
    outstanding: int
    """Events read and not settled, in flight ones among them."""
    in_flight: int
    """Events that a member has and has not settled."""
    retrying: int
    """Events that wait for another try."""
    parked: int
    """Events that were parked."""
    oldest_unsettled: OldestUnsettled | None
    members: tuple[GroupMember, ...]
    """In the order of their names."""
    counts: GroupCounts

    @classmethod
    def from_wire(cls, wire: proto.ConsumerGroup) -> ConsumerGroup:
        """Out of what was received."""
        oldest, counts = wire.oldest_unsettled, wire.counts
        return cls(
            wire.name,
            GroupSettings.from_wire(wire.settings),
            time_from_wire(wire.created_at),
            wire.is_paused,
            wire.settled_position,
            wire.read_position,
            wire.head,
            wire.outstanding,
            wire.in_flight,
            wire.retrying,
            wire.parked,
            OldestUnsettled(oldest.position, time_from_wire(oldest.recorded_at), oldest.tries)
            if wire.HasField("oldest_unsettled")
            else None,
            tuple(GroupMember(member.name, member.credits, member.in_flight) for member in wire.members),
            GroupCounts(counts.delivered, counts.acknowledged, counts.skipped, counts.retried, counts.parked),
        )
