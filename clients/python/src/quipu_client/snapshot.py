"""Folded states of streams, as the store keeps them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from . import proto
from .wire import time_from_wire


@dataclass(frozen=True)
class Snapshot:
    """The state of a stream as it is after the event at `revision`."""

    stream: str
    revision: int
    data: bytes = field(repr=False)
    content_type: str
    """The media type of `data`; `application/json` when it was left unset."""
    metadata: Mapping[str, str]
    schema_version: str
    """The version of the state's shape; `1` when it was left unset."""
    saved_at: datetime

    def json(self) -> Any:
        """The state out of JSON. `ValueError` when it is not JSON."""
        return json.loads(self.data)

    @classmethod
    def from_wire(cls, wire: proto.Snapshot) -> Snapshot:
        """Out of what was received."""
        return cls(
            wire.stream,
            wire.revision,
            wire.data,
            wire.content_type or "application/json",
            dict(wire.metadata),
            wire.schema_version or "1",
            time_from_wire(wire.saved_at),
        )


@dataclass(frozen=True)
class SnapshotInfo:
    """What is known of a snapshot without reading it."""

    revision: int
    saved_at: datetime
    size_bytes: int

    @classmethod
    def from_wire(cls, wire: proto.SnapshotInfo) -> SnapshotInfo:
        """Out of what was received."""
        return cls(wire.revision, time_from_wire(wire.saved_at), wire.size_bytes)


@dataclass(frozen=True)
class FoldedState:
    """A stream's state as the server folds it: its events as JSON merge patches, one over the other."""

    data: bytes = field(repr=False)
    """JSON."""
    revision: int
    """The revision of the last event folded in."""
    snapshot_revision: int | None
    """The revision of the snapshot it began with; none when it began with the first event."""
    events: int
    """How many events were folded in."""

    def json(self) -> Any:
        """The state."""
        return json.loads(self.data)

    @classmethod
    def from_wire(cls, wire: proto.SnapshotsGetStateResponse) -> FoldedState:
        """Out of what was received."""
        begin = wire.snapshot_revision if wire.HasField("snapshot_revision") else None
        return cls(wire.data, wire.revision, begin, wire.events)


@dataclass(frozen=True)
class SnapshotPolicy:
    """When the server saves snapshots by itself."""

    category: str
    """Of streams whose names begin with this and a `-`."""
    every_events: int
    """After every so many events of a stream; 2 to 1,000,000."""
