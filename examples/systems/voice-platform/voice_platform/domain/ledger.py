"""Credits: what a customer may still spend on calls. An aggregate is the account of one customer.

The state is what the ledger adds up to, movement by movement; each event says what the balance is then, and a ledger
that does not add up is refused. The typed aggregate saves snapshots of it by itself, since these accounts are loaded
for every call.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from .contracts import Payload
from .folding import Kind, Rejected, patched

PER_CALL = 30
"""Credits that are set aside when a call begins, and the most that a call costs."""


class CreditEvent(Payload, category="credit"):
    """What happens to an account."""


class CreditAccountOpened(CreditEvent):
    """A customer has an account."""

    customer: str
    balance: Literal[0] = 0
    reserved: dict[str, int] = field(default_factory=dict)


class Movement(CreditEvent, category="credit"):
    """So many credits came, went or changed hands, and so many are there to be spent now."""

    amount: int
    balance: int


class CreditsPurchased(Movement):
    """A payment came in."""

    payment: str


class CreditsWithdrawn(Movement):
    """A payment went back, and so did what was left of its credits."""

    payment: str


class CreditsReserved(Movement):
    """Credits were set aside for a call: by its id, how many."""

    call: str
    reserved: dict[str, int]


class CreditsConsumed(Movement):
    """A call was paid out of what was set aside for it; the rest came back."""

    call: str
    reserved: dict[str, None]


class CreditsReleased(Movement):
    """A call cost nothing: what was set aside came back."""

    call: str
    reserved: dict[str, None]


class CreditsRefused(CreditEvent):
    """There was not enough to set aside for a call."""

    call: str
    missing: int


@dataclass(frozen=True)
class CreditAccount:
    """The state of an account."""

    customer: str | None = None
    balance: int = 0
    reserved: dict[str, int] = field(default_factory=dict)
    call: str | None = None
    """The call of the last movement that was for one."""
    payment: str | None = None
    """The payment of the last movement that was for one."""
    amount: int | None = None
    """Of the last movement."""
    missing: int | None = None
    """How much the last call that was refused lacked."""


class LedgerBroken(ValueError):  # noqa: N818
    """A movement says another balance than the movements before it add up to."""


def apply(account: CreditAccount, payload: Payload) -> CreditAccount:
    """The account after a movement. `LedgerBroken` when the ledger does not add up."""
    match payload:
        case CreditsPurchased(amount=amount):
            balance = account.balance + amount
        case CreditsWithdrawn(amount=amount):
            balance = account.balance - amount
        case CreditsReserved(amount=amount):
            balance = account.balance - amount
        case CreditsConsumed(amount=amount, call=call):
            balance = account.balance + account.reserved[call] - amount
        case CreditsReleased(call=call):
            balance = account.balance + account.reserved[call]
        case _:
            balance = account.balance
    after = patched(account, payload)
    if after.balance != balance:
        raise LedgerBroken(f"{type(payload).__name__}: {after.balance} is said, {balance} it is")
    return replace(after, balance=balance)


KIND = Kind("credit", CreditAccount, apply, saves_own_snapshots=True)


def open_account(account: CreditAccount, *, customer: str) -> list[Payload]:
    """Give a customer an account; again, it changes nothing."""
    return [] if account.customer else [CreditAccountOpened(customer=customer)]


def purchase(account: CreditAccount, *, payment: str, amount: int) -> list[Payload]:
    """Put in what a payment bought."""
    _require_open(account)
    return [CreditsPurchased(payment=payment, amount=amount, balance=account.balance + amount)]


def withdraw(account: CreditAccount, *, payment: str, amount: int) -> list[Payload]:
    """Take out what a payment bought, as far as it is still there."""
    _require_open(account)
    amount = min(amount, account.balance)
    return [CreditsWithdrawn(payment=payment, amount=amount, balance=account.balance - amount)]


def reserve(account: CreditAccount, *, call: str) -> list[Payload]:
    """Set credits aside for a call, or refuse to."""
    _require_open(account)
    if account.balance < PER_CALL:
        return [CreditsRefused(call=call, missing=PER_CALL - account.balance)]
    balance = account.balance - PER_CALL
    return [CreditsReserved(call=call, amount=PER_CALL, balance=balance, reserved={call: PER_CALL})]


def consume(account: CreditAccount, *, call: str, talk_seconds: int) -> list[Payload]:
    """Pay a call: one credit for every ten seconds begun, at most what was set aside. Nothing if nothing was."""
    if call not in account.reserved:
        return []
    amount = min(-(-talk_seconds // 10), account.reserved[call])
    balance = account.balance + account.reserved[call] - amount
    return [CreditsConsumed(call=call, amount=amount, balance=balance, reserved={call: None})]


def release(account: CreditAccount, *, call: str) -> list[Payload]:
    """Give back what was set aside for a call. Nothing if nothing was."""
    if call not in account.reserved:
        return []
    amount = account.reserved[call]
    return [CreditsReleased(call=call, amount=amount, balance=account.balance + amount, reserved={call: None})]


def _require_open(account: CreditAccount) -> None:
    if account.customer is None:
        raise Rejected("the customer has no account")
