"""Documents of read models and how far their generations are."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from . import proto
from .wire import encode, time_from_wire


@dataclass(frozen=True)
class DocumentKey:
    """The name of a document."""

    type: str
    id: str

    def to_wire(self) -> proto.DocumentKey:
        """As it is sent."""
        return proto.DocumentKey(type=self.type, id=self.id)


@dataclass(frozen=True, init=False)
class NewDocument:
    """A document as it is from now on."""

    type: str
    """What kind of document it is, such as `customer`."""
    id: str
    """Its own name within the type."""
    data: bytes = field(repr=False)
    """What it holds; at most 1 MiB."""
    content_type: str
    """The media type of `data`. Empty means `application/json`."""

    def __init__(
        self,
        type: str,  # noqa: A002
        id: str,  # noqa: A002
        data: object,
        content_type: str = "",
    ) -> None:
        """Take bytes as they are, anything else as JSON. `TypeError` or `ValueError` when it has no JSON form."""
        object.__setattr__(self, "type", type)
        object.__setattr__(self, "id", id)
        object.__setattr__(self, "data", encode(data))
        object.__setattr__(self, "content_type", content_type)

    def json(self) -> Any:
        """What it holds, out of JSON. `ValueError` when it is not JSON."""
        return json.loads(self.data)

    def to_wire(self) -> proto.Document:
        """As it is sent."""
        return proto.Document(type=self.type, id=self.id, data=self.data, content_type=self.content_type)


@dataclass(frozen=True)
class Document:
    """A document of a read model."""

    type: str
    id: str
    data: bytes = field(repr=False)
    content_type: str
    """The media type of `data`; `application/json` when it was left unset."""
    position: int
    """The position of the write that made it so."""
    updated_at: datetime
    """Server time of that."""

    def json(self) -> Any:
        """What it holds, out of JSON. `ValueError` when it is not JSON."""
        return json.loads(self.data)

    @classmethod
    def from_wire(cls, wire: proto.Document) -> Document:
        """Out of what was received."""
        return cls(
            wire.type,
            wire.id,
            wire.data,
            wire.content_type or "application/json",
            wire.position,
            time_from_wire(wire.updated_at),
        )


@dataclass(frozen=True)
class Generation:
    """A generation of a read model."""

    generation: int
    """Its number, from 1."""
    position: int
    """The position of the last event that is in it; 0: none yet."""
    is_active: bool
    """Whether it is what readers see."""
    updated_at: datetime
    """Server time of the last write."""

    @classmethod
    def from_wire(cls, wire: proto.ReadModelGeneration) -> Generation:
        """Out of what was received."""
        return cls(wire.generation, wire.position, wire.is_active, time_from_wire(wire.updated_at))
