"""What reactions work with, and the reactor that calls them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from quipu_client import AsyncReactor, GroupSettings, Query, RecordedEvent

from ..outbox import Outbox
from ..routes import Routes
from ..tenancy import Tenant


@dataclass(frozen=True)
class Surroundings:
    """A tenant, and the world outside of the store."""

    tenant: Tenant
    outbox: Outbox


def reactor_of(reaction: Routes[Surroundings], surroundings: Surroundings) -> AsyncReactor:
    """The reactor that does what events of a tenant lead to."""
    settings = GroupSettings(query=Query.types(*reaction.types), ack_timeout=timedelta(seconds=10))
    reactor = AsyncReactor(surroundings.tenant.client, reaction.name, settings=settings)

    async def react(event: RecordedEvent) -> None:
        await reaction.deal_with(event, surroundings)

    for event_type in reaction.types:
        reactor.on(event_type)(react)
    return reactor
