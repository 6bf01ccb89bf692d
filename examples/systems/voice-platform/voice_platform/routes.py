"""Which function deals with which type of event: what projections and reactions are made of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

from quipu_client import RecordedEvent

from .domain.contracts import Payload
from .envelope import Fact, fact_of

C = TypeVar("C")
P = TypeVar("P", bound=Payload)
Route = Callable[[Fact[P], C], Awaitable[None]]


class Routes(Generic[C]):
    """Functions of an event and a context, by type."""

    def __init__(self, name: str) -> None:
        self.name = name
        """Of the read model, or of the consumer group."""
        self._routes: dict[str, Route[Any, C]] = {}

    def on(self, *contracts: type[P]) -> Callable[[Route[P, C]], Route[P, C]]:
        """Register the function for these types of events. A decorator."""

        def register(route: Route[P, C]) -> Route[P, C]:
            for contract in contracts:
                if contract.__name__ in self._routes:
                    raise ValueError(f"{self.name} has a route for {contract.__name__}")
                self._routes[contract.__name__] = route
            return route

        return register

    @property
    def types(self) -> tuple[str, ...]:
        """The types of events that there is a function for."""
        return tuple(self._routes)

    async def deal_with(self, event: RecordedEvent, context: C) -> None:
        """Call the function for an event. `ContractViolation` when the event does not keep to its contract."""
        await self._routes[event.type](fact_of(event), context)
