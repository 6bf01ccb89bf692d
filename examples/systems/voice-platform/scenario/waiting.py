"""Conditions that are waited for, with a deadline: never for a time alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from quipu_client import Query

from voice_platform.metrics import read_model_lag
from voice_platform.projections import PROJECTIONS
from voice_platform.reactions import REACTIONS
from voice_platform.tenancy import Tenant

from .processes import DEADLINE

_BETWEEN_LOOKS = 0.05


async def until(what: str, holds: Callable[[], Awaitable[bool]], deadline: float = DEADLINE) -> None:
    """Look until something holds. `TimeoutError` when it takes too long."""
    ends_at = time.monotonic() + deadline
    while not await holds():
        if time.monotonic() > ends_at:
            raise TimeoutError(f"{what}: not within {deadline:.0f} s")
        await asyncio.sleep(_BETWEEN_LOOKS)


async def everything_is_done_for(tenants: Iterable[Tenant]) -> None:
    """Wait until reactors and projectors of each tenant have nothing left to do."""
    for tenant in tenants:
        await until(f"{tenant.name} is done", partial(_everything_is_done, tenant))


async def _everything_is_done(tenant: Tenant) -> bool:
    """Whether reactors have settled every event, those of each other as well, and read models have every event."""
    last = await _last_position(tenant, Query.all())
    groups = {group.name: group async for group in tenant.client.consumers.list()}
    for name, reaction in REACTIONS.items():
        # A group passes events that it does not want only now and then, so the last that it wants counts.
        wanted = await _last_position(tenant, Query.types(*reaction.types))
        if name not in groups or groups[name].settled_position < wanted:
            return False
    if any([(await read_model_lag(tenant, model)).events for model in PROJECTIONS]):
        return False
    return await _last_position(tenant, Query.all()) == last


async def _last_position(tenant: Tenant, query: Query) -> int:
    newest = await tenant.client.read_all(query=query, backwards=True, limit=1).collect()
    return newest[0].position if newest else 0
