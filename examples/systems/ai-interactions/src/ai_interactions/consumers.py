"""Projections and reactions as the client's projectors and reactors, with their metrics."""

from __future__ import annotations

from quipu_client import AsyncClient, AsyncProjector, AsyncReactor, AsyncTx, GroupSettings, RecordedEvent

from .metrics import ProcessingMetrics
from .process import say
from .projections import Projection
from .reactors.reaction import Reaction


def projector_of(client: AsyncClient, projection: Projection, metrics: ProcessingMetrics) -> AsyncProjector:
    """A projector that makes the read model of a projection."""
    projector = AsyncProjector(client, projection.model)

    async def project(event: RecordedEvent, tx: AsyncTx) -> None:
        await metrics.measure(projection.model, event, lambda: projection.apply(event, tx))

    for event_type in projection.handlers:
        projector.on(event_type)(project)
    return projector


def reactor_of(client: AsyncClient, reaction: Reaction, metrics: ProcessingMetrics) -> AsyncReactor:
    """A reactor that takes part in the group of a reaction."""
    reactor = AsyncReactor(client, reaction.group, settings=GroupSettings(query=reaction.query))

    async def react(event: RecordedEvent) -> None:
        if not await metrics.measure(reaction.group, event, lambda: reaction.handler(event)):
            say("repeated", group=reaction.group, position=event.position)

    reactor.on(reaction.event_type)(react)
    return reactor
