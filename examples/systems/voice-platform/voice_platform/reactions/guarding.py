"""The reactor `guarding`: a principal with too many failures in a row is locked."""

from __future__ import annotations

from ..domain import security
from ..envelope import Fact
from ..routes import Routes
from .surroundings import Surroundings

GUARDING: Routes[Surroundings] = Routes("guarding")


@GUARDING.on(security.SignInFailed)
async def look_at(fact: Fact[security.SignInFailed], around: Surroundings) -> None:
    """Lock the principal, if it still deserves that."""
    if fact.payload.failures >= security.FAILURES_MAX:
        await around.tenant.react(security.KIND, fact.aggregate_id, security.lock, fact, GUARDING.name)
