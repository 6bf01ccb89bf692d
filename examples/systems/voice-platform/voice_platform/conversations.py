"""What belongs together: the events of one conversation, and what one command or event led to."""

from __future__ import annotations

from quipu_client import Query, QueryItem

from .domain.contracts import Payload
from .envelope import Fact, caused_by, fact_of
from .tenancy import Tenant


async def read_conversation(tenant: Tenant, correlation_id: str) -> list[Fact[Payload]]:
    """All events of a conversation, of whatever aggregates, in the order of the log."""
    query = Query(QueryItem(correlation_id=correlation_id))
    return [fact_of(event) async for event in tenant.client.read_all(query=query)]


async def read_effects(tenant: Tenant, causation_id: str) -> list[Fact[Payload]]:
    """The events that a command or an event led to directly."""
    query = Query(QueryItem(tags=[caused_by(causation_id)]))
    return [fact_of(event) async for event in tenant.client.read_all(query=query)]
