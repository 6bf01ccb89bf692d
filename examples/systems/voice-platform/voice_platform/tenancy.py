"""One tenant of the platform: its connection, its aggregates, and the only ways to change them.

Owns `Tenant`. Each tenant is a tenant of the store, with a log of its own; nothing that is asked by one can reach
what another has, whatever the names of streams are.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from quipu_client import (
    AsyncAggregate,
    AsyncClient,
    Executed,
    NewEvent,
    Query,
    QueryItem,
    QuipuError,
    RetryPolicy,
    SnapshotEvery,
)

from .domain.contracts import Payload
from .domain.folding import Kind
from .domain.kinds import KINDS
from .envelope import Context, Fact, caused_by

SNAPSHOT_EVERY = 10
"""After so many events of an aggregate its state is saved."""

S = TypeVar("S")


class Tenant:
    """A tenant of the platform, connected."""

    def __init__(self, address: str, name: str) -> None:
        self.name = name
        # Whoever works for a tenant outlives any outage of the store.
        self.client = AsyncClient(address, tenant=name, retry=RetryPolicy.forever())
        self._aggregates = {category: self._aggregate(kind) for category, kind in KINDS.items()}

    async def __aenter__(self) -> Tenant:
        return self

    async def __aexit__(self, *_: object) -> None:
        for aggregate in self._aggregates.values():
            await aggregate.settle()
        await self.client.close()

    async def prepare(self) -> None:
        """Take the tenant in: have the server save the states of aggregates that do not do so themselves.

        Again, it changes nothing. It must have been done before anybody follows the tenant's log.
        """
        for category, kind in KINDS.items():
            if not kind.saves_own_snapshots:
                await self.client.snapshots.set_policy(category, SNAPSHOT_EVERY)

    def aggregates(self, kind: Kind[S]) -> AsyncAggregate[S]:
        """The aggregates of a kind, to be loaded and decided on."""
        return self._aggregates[kind.category]

    async def execute(
        self, kind: Kind[S], aggregate_id: str, decide: Callable[[S], Sequence[Payload]], context: Context
    ) -> Executed[S]:
        """Carry out a command: load, decide, append, once more when somebody else was faster.

        Raises what `decide` raises; then nothing is appended.
        """
        stream = kind.stream(aggregate_id)

        def decided(state: S) -> list[NewEvent]:
            return [context.event(stream, payload) for payload in decide(state)]

        return await self.aggregates(kind).execute(stream, decided)

    async def react(
        self,
        kind: Kind[S],
        aggregate_id: str,
        decide: Callable[[S], Sequence[Payload]],
        cause: Fact[Payload],
        actor: str,
    ) -> bool:
        """Do to an aggregate what an event leads to, once, however often the event is delivered.

        What an event has led to is found by its tag. Deliveries that overlap look at the same time and find nothing;
        but what they append has ids that are made of the event's, so the store takes only one of them. Tells whether
        it was this one that appended.
        """
        stream = kind.stream(aggregate_id)
        led_to = Query(QueryItem(categories=[kind.category], tags=[caused_by(cause.event.id)]))
        if await self.client.read_all(query=led_to, limit=1).collect():
            return False
        context = Context(
            self.name, actor, cause.event.correlation_id, causation_id=cause.event.id, occurred_at=cause.happened_at
        )

        def decided(state: S) -> list[NewEvent]:
            payloads = enumerate(decide(state))
            return [context.event(stream, payload, event_id(cause, stream, place)) for place, payload in payloads]

        try:
            executed = await self.aggregates(kind).execute(stream, decided)
        except QuipuError as error:
            if error.reason != "EVENT_ID_CONFLICT":
                raise
            return False
        return executed.appended is not None and not executed.appended.deduplicated

    def _aggregate(self, kind: Kind[Any]) -> AsyncAggregate[Any]:
        every = SnapshotEvery(SNAPSHOT_EVERY, dump=kind.dump, restore=kind.restore)
        return AsyncAggregate(
            self.client,
            initial=kind.state,
            apply=kind.fold,
            snapshots=every if kind.saves_own_snapshots else None,
            tries=100,
        )


def event_id(cause: Fact[Payload], stream: str, place: int) -> str:
    """The id of what an event leads to in a stream: the same whenever it is asked for."""
    return str(uuid.uuid5(uuid.UUID(cause.event.id), f"{stream}/{place}"))
