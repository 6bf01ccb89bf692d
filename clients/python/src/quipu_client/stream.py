"""What is known of streams, and counts of the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from . import proto
from .wire import duration_from_wire, duration_to_wire, time_from_wire


@dataclass(frozen=True)
class StreamMetadata:
    """What is to be done with a stream's events, and what its owner notes about it."""

    max_age: timedelta | None = None
    """Events older than this are hidden."""
    max_count: int | None = None
    """Only so many of the newest events are shown; at least 1."""
    truncate_before: int | None = None
    """Events before this revision, exclusive, are hidden."""
    properties: Mapping[str, str] = field(default_factory=dict)
    """Free text pairs, opaque to the store."""

    def to_wire(self) -> proto.StreamMetadata:
        """As it is sent."""
        return proto.StreamMetadata(
            max_age=None if self.max_age is None else duration_to_wire(self.max_age),
            max_count=self.max_count,
            truncate_before=self.truncate_before,
            properties=self.properties,
        )

    @classmethod
    def from_wire(cls, wire: proto.StreamMetadata) -> StreamMetadata:
        """Out of what was received."""
        return cls(
            duration_from_wire(wire.max_age) if wire.HasField("max_age") else None,
            wire.max_count if wire.HasField("max_count") else None,
            wire.truncate_before if wire.HasField("truncate_before") else None,
            dict(wire.properties),
        )


@dataclass(frozen=True)
class StreamInfo:
    """What is known of a stream."""

    stream: str
    first_revision: int | None
    """The revision of its first readable event; none when its metadata hides all of them."""
    head_revision: int | None
    """The revision of its last event; none when it has metadata, but no event yet."""
    event_count: int
    """How many events can be read."""
    last_position: int
    """The position of its last event."""
    first_recorded_at: datetime | None
    """Server time of its first readable event."""
    last_recorded_at: datetime | None
    """Server time of its last event."""
    metadata: StreamMetadata | None

    @classmethod
    def from_wire(cls, wire: proto.StreamInfo) -> StreamInfo:
        """Out of what was received."""
        return cls(
            wire.stream,
            wire.first_revision if wire.HasField("first_revision") else None,
            wire.head_revision if wire.HasField("head_revision") else None,
            wire.event_count,
            wire.last_position,
            time_from_wire(wire.first_recorded_at) if wire.HasField("first_recorded_at") else None,
            time_from_wire(wire.last_recorded_at) if wire.HasField("last_recorded_at") else None,
            StreamMetadata.from_wire(wire.metadata) if wire.HasField("metadata") else None,
        )


@dataclass(frozen=True)
class Statistics:
    """Counts of the log. Events of system streams are not counted."""

    events: int
    types: Mapping[str, int]
    """By type, the most frequent first; at most 1,000."""
    categories: Mapping[str, int]
    """By category, the most frequent first; at most 1,000. Streams without a category are not in it."""
    days: Mapping[date, int]
    """By day in UTC, oldest first."""
    events_of_other_types: int
    """Events whose type is not in `types`."""
    events_of_other_categories: int
    """Events whose category is not in `categories`."""
    streams: int
    """How many streams there are, deleted ones included."""

    @classmethod
    def from_wire(cls, wire: proto.StreamsGetStatisticsResponse) -> Statistics:
        """Out of what was received."""
        return cls(
            wire.events,
            {count.name: count.events for count in wire.types},
            {count.name: count.events for count in wire.categories},
            {date.fromisoformat(count.day): count.events for count in wire.days},
            wire.events_of_other_types,
            wire.events_of_other_categories,
            wire.streams,
        )
