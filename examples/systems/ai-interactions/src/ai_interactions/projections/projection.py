"""One read model: which events change it, and how.

Owns `Projection`, and `change`, which makes it idempotent: each document keeps the position of the last event that is
in it, so an event that comes again, even long after, changes nothing. The store's own guard, that a write moves the
position of the whole read model, comes on top.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

from quipu_client import Query, RecordedEvent

from ..events import Payload
from .documents import Documents

Handler: TypeAlias = Callable[[RecordedEvent, Documents], Awaitable[bool]]
"""Changes documents by one event, and nothing else; false when it was in them already."""
H = TypeVar("H", bound=Handler)


class Projection:
    """A read model by name, with a handler for each type of event that changes it."""

    def __init__(self, model: str) -> None:
        self.model = model
        self.handlers: dict[str, Handler] = {}

    def on(self, contract: type[Payload]) -> Callable[[H], H]:
        """Register the handler of a type of event. A decorator."""

        def register(handler: H) -> H:
            self.handlers[contract.event_type] = handler
            return handler

        return register

    @property
    def query(self) -> Query:
        """The events that change this read model."""
        return Query.types(*self.handlers)

    async def apply(self, event: RecordedEvent, documents: Documents) -> bool:
        """Change documents by one event; false when there is nothing to change."""
        handler = self.handlers.get(event.type)
        return handler is not None and await handler(event, documents)


async def change(
    documents: Documents,
    key: tuple[str, str],
    event: RecordedEvent,
    initial: Callable[[], dict[str, Any]],
    apply: Callable[[dict[str, Any]], None],
) -> bool:
    """Change a document in place; false when the event is in it already."""
    document = await documents.get(*key) or {**initial(), "position": 0}
    if event.position <= document["position"]:
        return False
    apply(document)
    document["position"] = event.position
    documents.upsert(*key, document)
    return True


def happened_at(event: RecordedEvent) -> datetime:
    """When it happened in the world."""
    return event.occurred_at or event.recorded_at
