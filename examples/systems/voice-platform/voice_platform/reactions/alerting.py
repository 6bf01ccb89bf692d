"""The reactor `alerting`: supervisors are told what needs a person, each once for each event."""

from __future__ import annotations

from ..domain import assistants, ledger, payments, security
from ..domain.contracts import Payload
from ..envelope import Fact
from ..routes import Routes
from .surroundings import Surroundings

ALERTING: Routes[Surroundings] = Routes("alerting")


@ALERTING.on(
    assistants.AiHandoverRequested,
    ledger.CreditsRefused,
    payments.PaymentDeclined,
    security.PrincipalLocked,
)
async def tell(fact: Fact[Payload], around: Surroundings) -> None:
    """Leave a notice for the supervisors."""
    around.outbox.put(
        fact.event.id,
        {
            "tenant": around.tenant.name,
            "event": fact.event.id,
            "type": fact.event.type,
            "aggregate": fact.event.stream,
            "correlation_id": fact.event.correlation_id,
        },
    )
