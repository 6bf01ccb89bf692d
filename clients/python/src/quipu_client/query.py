"""Which events are meant, and what must hold of them.

Owns `Query`, `QueryItem` and `Guard`. What is set goes over the wire as it stands; the server judges whether it
makes sense.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from . import proto
from .expected import Expected


@dataclass(frozen=True, init=False)
class QueryItem:
    """What an event must be like: it matches when it meets everything that is set. At least one thing must be."""

    types: tuple[str, ...]
    tags: tuple[str, ...]
    categories: tuple[str, ...]
    stream_prefix: str
    correlation_id: str

    def __init__(
        self,
        *,
        types: Iterable[str] = (),
        tags: Iterable[str] = (),
        categories: Iterable[str] = (),
        stream_prefix: str = "",
        correlation_id: str = "",
    ) -> None:
        """One of the types, all of the tags, one of the categories; a prefix is quick when it has a `-`."""
        object.__setattr__(self, "types", tuple(types))
        object.__setattr__(self, "tags", tuple(tags))
        object.__setattr__(self, "categories", tuple(categories))
        object.__setattr__(self, "stream_prefix", stream_prefix)
        object.__setattr__(self, "correlation_id", correlation_id)

    def to_wire(self) -> proto.QueryItem:
        """As it is sent."""
        return proto.QueryItem(
            types=self.types,
            tags=self.tags,
            categories=self.categories,
            stream_prefix=self.stream_prefix,
            correlation_id=self.correlation_id,
        )


@dataclass(frozen=True, init=False)
class Query:
    """Which events are meant: those that match at least one item, or all."""

    items: tuple[QueryItem, ...]
    is_all: bool

    def __init__(self, *items: QueryItem) -> None:
        """Events that match one of these."""
        object.__setattr__(self, "items", items)
        object.__setattr__(self, "is_all", False)

    @classmethod
    def all(cls) -> Query:
        """Every event."""
        query = cls()
        object.__setattr__(query, "is_all", True)
        return query

    @classmethod
    def types(cls, *types: str) -> Query:
        """Events of these types."""
        return cls(QueryItem(types=types))

    def to_wire(self) -> proto.Query:
        """As it is sent."""
        if self.is_all:
            return proto.Query(all=proto.Query.All())
        return proto.Query(items=[item.to_wire() for item in self.items])

    @classmethod
    def from_wire(cls, wire: proto.Query) -> Query:
        """Out of what was received."""
        if wire.HasField("all"):
            return cls.all()
        return cls(
            *(
                QueryItem(
                    types=item.types,
                    tags=item.tags,
                    categories=item.categories,
                    stream_prefix=item.stream_prefix,
                    correlation_id=item.correlation_id,
                )
                for item in wire.items
            )
        )


@dataclass(frozen=True)
class Guard:
    """What must hold for an append or a transaction to go in, judged against everything committed before it."""

    _wire: proto.Guard

    @classmethod
    def stream(cls, name: str, expected: Expected) -> Guard:
        """A stream, not necessarily one that is appended to, is as expected."""
        return cls(proto.Guard(stream=proto.Guard.Stream(stream=name, expected=expected.to_wire())))

    @classmethod
    def none_match(cls, query: Query, after: int = 0) -> Guard:
        """No event after this position, exclusive, matches; 0 counts all events ever."""
        return cls(proto.Guard(none_match=proto.Guard.Match(query=query.to_wire(), after_position=after)))

    @classmethod
    def some_match(cls, query: Query, after: int = 0) -> Guard:
        """At least one event after this position, exclusive, matches; 0 counts all events ever."""
        return cls(proto.Guard(some_match=proto.Guard.Match(query=query.to_wire(), after_position=after)))

    @classmethod
    def checkpoint(cls, name: str, position: int | None) -> Guard:
        """The checkpoint of this name is at this position exactly, or there is none."""
        return cls(proto.Guard(checkpoint=proto.Guard.Checkpoint(name=name, position=position)))

    def to_wire(self) -> proto.Guard:
        """As it is sent."""
        return self._wire


def guards_to_wire(guards: Sequence[Guard]) -> list[proto.Guard]:
    """Guards as they are sent, in their order."""
    return [guard.to_wire() for guard in guards]
