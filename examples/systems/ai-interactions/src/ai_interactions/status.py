"""How far everybody is: what an operator asks first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from quipu_client import AsyncClient, Query, QuipuError

from .projections import PROJECTIONS
from .reactors import compliance, reviewers

GROUPS = (reviewers.GROUP, compliance.GROUP)


@dataclass(frozen=True)
class Progress:
    """How far a consumer is."""

    name: str
    position: int
    """Everything up to here is dealt with."""
    wanted: int
    """Where it has to get: the last event that concerns it."""
    parked: int = 0
    """Events kept aside; somebody has to look at them."""

    @property
    def is_caught_up(self) -> bool:
        """Whether nothing is left to do."""
        return self.position >= self.wanted


async def progress(client: AsyncClient) -> AsyncIterator[Progress]:
    """How far each projection and each reaction is."""
    for model, projection in PROJECTIONS.items():
        wanted = await _last_position(client, projection.query)
        yield Progress(model, await _projected(client, model), wanted)
    for name in GROUPS:
        try:
            group = await client.consumers.get(name)
        except QuipuError as error:
            if error.reason not in ("GROUP_NOT_FOUND", "TENANT_NOT_FOUND"):
                raise
            yield Progress(name, 0, await _last_position(client, Query.all()))
        else:
            wanted = await _last_position(client, group.settings.query or Query.all())
            yield Progress(name, group.settled_position, wanted, group.parked)


async def _last_position(client: AsyncClient, query: Query) -> int:
    last = await client.read_all(query=query, backwards=True, limit=1).collect()
    return last[0].position if last else 0


async def _projected(client: AsyncClient, model: str) -> int:
    try:
        generations = await client.read_models.describe(model)
    except QuipuError as error:
        if error.reason not in ("READ_MODEL_NOT_FOUND", "TENANT_NOT_FOUND"):
            raise
        return 0
    return next((it.position for it in generations if it.is_active), 0)
