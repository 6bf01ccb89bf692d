"""What is said about an event beside its payload: who did it, why, when, and in which conversation.

Owns `Context`, from which every event that the platform appends gets its metadata, ids and tags, and `Fact`, an
event of the log with its payload.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from quipu_client import NewEvent, RecordedEvent

from .domain.contracts import ContractViolation, Payload
from .domain.folding import payload_of

P = TypeVar("P", bound=Payload, covariant=True)


@dataclass(frozen=True)
class Context:
    """Why something happens."""

    tenant: str
    actor: str
    """Who does it: a person, or a service of the platform."""
    correlation_id: str
    """The conversation it belongs to, such as a call."""
    causation_id: str
    """The command or the event that led to it."""
    occurred_at: datetime
    """When it happens in the world."""

    def event(self, stream: str, payload: Payload, event_id: str | None = None) -> NewEvent:
        """The event to append. `ContractViolation` when the payload does not keep to its contract."""
        if not stream.startswith(f"{payload.category}-"):
            raise ContractViolation(f"{type(payload).__name__} does not belong into {stream}")
        return NewEvent(
            type(payload).__name__,
            payload.document(),
            id=event_id,
            schema_version=payload.schema_version,
            metadata={"tenant": self.tenant, "actor": self.actor},
            correlation_id=self.correlation_id,
            causation_id=self.causation_id,
            tags=[caused_by(self.causation_id)],
            occurred_at=self.occurred_at,
        )


def caused_by(cause: str) -> str:
    """The tag by which what a command or an event led to is found."""
    return f"cause:{cause}"


@dataclass(frozen=True)
class Fact(Generic[P]):
    """An event of the log with its payload, checked against its contract."""

    event: RecordedEvent
    payload: P

    @property
    def aggregate_type(self) -> str:
        """The first part of the stream's name."""
        return self.event.stream.partition("-")[0]

    @property
    def aggregate_id(self) -> str:
        """The rest of the stream's name."""
        return self.event.stream.partition("-")[2]

    @property
    def sequence(self) -> int:
        """The event's place in its aggregate; the first is 1, with no gaps."""
        return self.event.revision + 1

    @property
    def happened_at(self) -> datetime:
        """When it happened in the world."""
        return self.event.occurred_at or self.event.recorded_at


def fact_of(event: RecordedEvent) -> Fact[Payload]:
    """An event with its payload. `ContractViolation` when it does not keep to its contract."""
    return Fact(event, payload_of(event))
