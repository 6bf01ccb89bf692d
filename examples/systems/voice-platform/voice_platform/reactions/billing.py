"""The reactor `billing`: credits are set aside when a call begins and spent when it ends; payments move them, too."""

from __future__ import annotations

from functools import partial

from ..domain import calls, ledger, payments
from ..domain.folding import Rejected
from ..envelope import Fact
from ..routes import Routes
from ..states import typed_state
from .surroundings import Surroundings

BILLING: Routes[Surroundings] = Routes("billing")


@BILLING.on(calls.CallStarted)
async def set_aside(fact: Fact[calls.CallStarted], around: Surroundings) -> None:
    """Set credits aside for the call, or refuse to."""
    decide = partial(ledger.reserve, call=fact.aggregate_id)
    await around.tenant.react(ledger.KIND, fact.payload.customer, decide, fact, BILLING.name)


@BILLING.on(calls.CallEnded)
async def spend(fact: Fact[calls.CallEnded], around: Surroundings) -> None:
    """Pay the call. Its beginning was dealt with before: events of one call come one after the other."""
    decide = partial(ledger.consume, call=fact.aggregate_id, talk_seconds=fact.payload.talk_seconds)
    await around.tenant.react(ledger.KIND, await _customer(fact.aggregate_id, around), decide, fact, BILLING.name)


@BILLING.on(calls.CallFailed)
async def give_back(fact: Fact[calls.CallFailed], around: Surroundings) -> None:
    """Give back what was set aside."""
    decide = partial(ledger.release, call=fact.aggregate_id)
    await around.tenant.react(ledger.KIND, await _customer(fact.aggregate_id, around), decide, fact, BILLING.name)


@BILLING.on(payments.PaymentCaptured)
async def put_in(fact: Fact[payments.PaymentCaptured], around: Surroundings) -> None:
    """Put in what the payment bought."""
    decide = partial(ledger.purchase, payment=fact.aggregate_id, amount=fact.payload.credits)
    await around.tenant.react(ledger.KIND, fact.payload.customer, decide, fact, BILLING.name)


@BILLING.on(payments.PaymentRefunded)
async def take_out(fact: Fact[payments.PaymentRefunded], around: Surroundings) -> None:
    """Take out what the payment bought."""
    decide = partial(ledger.withdraw, payment=fact.aggregate_id, amount=fact.payload.credits)
    await around.tenant.react(ledger.KIND, fact.payload.customer, decide, fact, BILLING.name)


async def _customer(call: str, around: Surroundings) -> str:
    """Whose call it is."""
    found = await typed_state(around.tenant, calls.KIND, call)
    if found is None or found.state.customer is None:
        raise Rejected(f"nobody has started the call {call}")
    return found.state.customer
