"""Folding events to a state, by type and version.

Owns `Fold`, an `apply` for aggregates that is written as one function per type of event.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from .event import RecordedEvent
from .versions import Versions

State = TypeVar("State")
Apply = Callable[[State, RecordedEvent], State]
"""From a state and the next event to the next state."""


class Fold(Generic[State]):
    """Calls what is registered for an event's type and version; other events leave the state as it is."""

    def __init__(self) -> None:
        self._applies: Versions[Apply[State]] = Versions("fold")

    def on(self, event_type: str, version: str | None = None) -> Callable[[Apply[State]], Apply[State]]:
        """Register a function for a type, and for a version of it where one is given. A decorator."""

        def register(apply: Apply[State]) -> Apply[State]:
            self._applies.add(event_type, version, apply)
            return apply

        return register

    @property
    def types(self) -> tuple[str, ...]:
        """The types that a function is registered for."""
        return self._applies.types

    def __call__(self, state: State, event: RecordedEvent) -> State:
        """The state after the event."""
        for apply in self._applies.find(event.type, event.schema_version):
            state = apply(state, event)
        return state
