"""What a reactor is made of, and how it reads events."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from quipu_client import Park, Query, RecordedEvent

from ..contracts import ContractViolation, read_as
from ..events import Payload

P = TypeVar("P", bound=Payload)
Handler: TypeAlias = Callable[[RecordedEvent], Awaitable[bool]]
"""Has the effect of one event; false when it had happened before."""


@dataclass(frozen=True)
class Reaction:
    """A consumer group with what is done for its events."""

    group: str
    event_type: str
    query: Query
    """Which events of that type: what the group is delivered."""
    handler: Handler


def read_or_park(contract: type[P], event: RecordedEvent) -> P:
    """What an event says. One that breaks its contract is parked: no try would mend it."""
    try:
        return read_as(contract, event)
    except ContractViolation as violation:
        raise Park(str(violation)) from violation
