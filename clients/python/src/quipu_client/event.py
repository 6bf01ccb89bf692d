"""Events: as a client proposes them and as the store holds them.

A new event has its id before any try to append it: that is what makes a retried append recognisable. Payloads
are left out of what events print.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from . import proto
from .wire import encode, time_from_wire, time_to_wire


@dataclass(frozen=True, init=False)
class NewEvent:
    """An event to append. The server checks sizes and characters."""

    type: str
    """What happened, such as `OrderPlaced`."""
    data: bytes = field(repr=False)
    """The payload as it is stored."""
    id: str
    """A UUID, lower case; two events of one store never share it."""
    content_type: str
    """The media type of `data`. Empty means `application/json`."""
    schema_version: str
    """The version of the payload's shape, such as `1` or `2.1`. Empty means `1`."""
    tags: tuple[str, ...]
    """Labels to find the event by, `key:value` by convention."""
    metadata: Mapping[str, str]
    """Free text pairs about the event."""
    correlation_id: str
    """Ties together all events of one business conversation. Empty when unset."""
    causation_id: str
    """The id of the message or event that led to this one. Empty when unset."""
    occurred_at: datetime | None
    """When it happened in the world, if that is not when it is recorded."""

    def __init__(
        self,
        type: str,  # noqa: A002
        data: object = b"",
        *,
        id: str | None = None,  # noqa: A002
        tags: Iterable[str] = (),
        metadata: Mapping[str, str] | None = None,
        schema_version: str = "",
        content_type: str = "",
        correlation_id: str = "",
        causation_id: str = "",
        occurred_at: datetime | None = None,
    ) -> None:
        """Take bytes as they are, anything else as JSON, dataclasses by their fields.

        `TypeError` or `ValueError` when the data has no JSON form.
        """
        fields = {
            "type": type,
            "data": encode(data),
            "id": id or str(uuid.uuid4()),
            "content_type": content_type,
            "schema_version": schema_version,
            "tags": tuple(tags),
            "metadata": dict(metadata or {}),
            "correlation_id": correlation_id,
            "causation_id": causation_id,
            "occurred_at": occurred_at,
        }
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def to_wire(self) -> proto.NewEvent:
        """As it is sent."""
        return proto.NewEvent(
            id=self.id,
            type=self.type,
            data=self.data,
            content_type=self.content_type,
            metadata=self.metadata,
            schema_version=self.schema_version,
            correlation_id=self.correlation_id,
            causation_id=self.causation_id,
            tags=self.tags,
            occurred_at=None if self.occurred_at is None else time_to_wire(self.occurred_at),
        )


@dataclass(frozen=True)
class RecordedEvent:
    """An event of the log."""

    id: str
    """A UUID, lower case."""
    stream: str
    """The stream that the event belongs to."""
    revision: int
    """The event's place in its stream; the first is 0, with no gaps."""
    position: int
    """The event's place in the log of its tenant; the first is 1, with no gaps."""
    recorded_at: datetime
    """Server time of the commit, to the microsecond. Never decreases along the log."""
    type: str
    """What happened."""
    data: bytes = field(repr=False)
    """The payload."""
    content_type: str
    """The media type of `data`; `application/json` when its client left it unset."""
    schema_version: str
    """The version of the payload's shape; `1` when its client left it unset."""
    tags: tuple[str, ...]
    """Labels to find the event by."""
    metadata: Mapping[str, str]
    """Free text pairs about the event."""
    correlation_id: str
    """Ties together all events of one business conversation. Empty when unset."""
    causation_id: str
    """The id of the message or event that led to this one. Empty when unset."""
    occurred_at: datetime | None
    """When it happened in the world, if that was not when it was recorded."""

    def json(self) -> Any:
        """The payload out of JSON. `ValueError` when it is not JSON."""
        return json.loads(self.data)

    @classmethod
    def from_wire(cls, wire: proto.RecordedEvent) -> RecordedEvent:
        """Out of what was received."""
        return cls(
            wire.id,
            wire.stream,
            wire.revision,
            wire.position,
            time_from_wire(wire.recorded_at),
            wire.type,
            wire.data,
            wire.content_type or "application/json",
            wire.schema_version or "1",
            tuple(wire.tags),
            dict(wire.metadata),
            wire.correlation_id,
            wire.causation_id,
            time_from_wire(wire.occurred_at) if wire.HasField("occurred_at") else None,
        )
