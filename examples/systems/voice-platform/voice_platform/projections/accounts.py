"""The read model `accounts`: a document for each customer, with money and credits, and for each principal."""

from __future__ import annotations

from collections import Counter

from ..domain import calls, customers, ledger, payments, security
from ..domain.contracts import Document, Payload
from ..envelope import Fact
from ..routes import Routes
from .documents import Documents, change, lay_payload_over

ACCOUNTS: Routes[Documents] = Routes("accounts")


@ACCOUNTS.on(customers.CustomerRegistered)
async def customer_is_new(fact: Fact[customers.CustomerRegistered], documents: Documents) -> None:
    """Begin with nothing."""
    nothing = {"calls": 0, "paid_cents": 0, "credits": 0, "consumed": 0, "refused": 0}
    await change(documents, "customer", fact.aggregate_id, fact, lambda _: {**fact.payload.document(), **nothing})


@ACCOUNTS.on(
    customers.CustomerVerified,
    customers.CustomerContactChanged,
    customers.CustomerConsentGiven,
    customers.CustomerConsentWithdrawn,
    customers.CustomerClosed,
)
async def customer_changed(fact: Fact[customers.CustomerEvent], documents: Documents) -> None:
    """Lay what happened over the customer."""
    await lay_payload_over(documents, "customer", fact.aggregate_id, fact)


@ACCOUNTS.on(calls.CallStarted)
async def customer_calls(fact: Fact[calls.CallStarted], documents: Documents) -> None:
    """Count the call."""
    await _add(fact, documents, "customer", fact.payload.customer, calls=1)


@ACCOUNTS.on(payments.PaymentCaptured)
async def money_came(fact: Fact[payments.PaymentCaptured], documents: Documents) -> None:
    """Add the money."""
    await _add(fact, documents, "customer", fact.payload.customer, paid_cents=fact.payload.amount_cents)


@ACCOUNTS.on(payments.PaymentRefunded)
async def money_went(fact: Fact[payments.PaymentRefunded], documents: Documents) -> None:
    """Take the money away."""
    await _add(fact, documents, "customer", fact.payload.customer, paid_cents=-fact.payload.amount_cents)


@ACCOUNTS.on(ledger.CreditsPurchased, ledger.CreditsWithdrawn, ledger.CreditsReserved, ledger.CreditsReleased)
async def balance_moved(fact: Fact[ledger.Movement], documents: Documents) -> None:
    """Note what is there to be spent."""
    balance = fact.payload.balance
    await change(documents, "customer", fact.aggregate_id, fact, lambda customer: {**customer, "credits": balance})


@ACCOUNTS.on(ledger.CreditsConsumed)
async def credits_were_spent(fact: Fact[ledger.CreditsConsumed], documents: Documents) -> None:
    """Note what is there to be spent, and add what was."""
    balance, amount = fact.payload.balance, fact.payload.amount

    def changed(customer: Document) -> Document:
        return {**customer, "credits": balance, "consumed": customer["consumed"] + amount}

    await change(documents, "customer", fact.aggregate_id, fact, changed)


@ACCOUNTS.on(ledger.CreditsRefused)
async def credits_were_missing(fact: Fact[ledger.CreditsRefused], documents: Documents) -> None:
    """Count the refusal."""
    await _add(fact, documents, "customer", fact.aggregate_id, refused=1)


@ACCOUNTS.on(security.SignInSucceeded)
async def principal_is_in(fact: Fact[security.SignInSucceeded], documents: Documents) -> None:
    """Count the sign-in."""
    await _add(fact, documents, "principal", fact.aggregate_id, sign_ins=1)


@ACCOUNTS.on(security.SignInFailed)
async def principal_is_not_in(fact: Fact[security.SignInFailed], documents: Documents) -> None:
    """Count the failure."""
    await _add(fact, documents, "principal", fact.aggregate_id, failures=1)


@ACCOUNTS.on(security.PrincipalLocked)
async def principal_is_locked(fact: Fact[security.PrincipalLocked], documents: Documents) -> None:
    """Count the lock."""
    await _add(fact, documents, "principal", fact.aggregate_id, locks=1)


@ACCOUNTS.on(security.PrincipalUnlocked)
async def principal_is_unlocked(fact: Fact[security.PrincipalUnlocked], documents: Documents) -> None:
    """Count the end of the lock: a principal with as many of these as of locks may sign in."""
    await _add(fact, documents, "principal", fact.aggregate_id, unlocks=1)


@ACCOUNTS.on(security.SensitiveDataViewed)
async def principal_has_seen(fact: Fact[security.SensitiveDataViewed], documents: Documents) -> None:
    """Count what the principal has seen, by subject."""
    subject = fact.payload.subject

    def changed(principal: Document) -> Document:
        return {**principal, "seen": Counter(principal.get("seen", {})) + Counter([subject])}

    await change(documents, "principal", fact.aggregate_id, fact, changed)


async def _add(fact: Fact[Payload], documents: Documents, kind: str, key: str, **amounts: int) -> None:
    def changed(document: Document) -> Document:
        return {**document, **{name: document.get(name, 0) + amount for name, amount in amounts.items()}}

    await change(documents, kind, key, fact, changed)
