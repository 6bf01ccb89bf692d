"""Payments: how money comes in for credits, and goes back. An aggregate is one payment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .contracts import Payload
from .folding import Kind, Rejected, patched

Status = Literal["requested", "authorised", "declined", "captured", "refunded"]


class PaymentEvent(Payload, category="payment"):
    """What happens to a payment."""


class PaymentRequested(PaymentEvent):
    """A customer wants to buy credits."""

    customer: str
    amount_cents: int
    credits: int
    status: Literal["requested"] = "requested"


class PaymentAuthorised(PaymentEvent):
    """The bank agrees."""

    authorisation: str
    status: Literal["authorised"] = "authorised"


class PaymentDeclined(PaymentEvent):
    """The bank does not agree."""

    reason: Literal["funds", "expired", "limit"]
    status: Literal["declined"] = "declined"


class PaymentCaptured(PaymentEvent):
    """The money is here."""

    customer: str
    amount_cents: int
    credits: int
    status: Literal["captured"] = "captured"


class PaymentRefunded(PaymentEvent):
    """The money went back."""

    customer: str
    amount_cents: int
    credits: int
    status: Literal["refunded"] = "refunded"


@dataclass(frozen=True)
class Payment:
    """The state of a payment."""

    customer: str | None = None
    amount_cents: int = 0
    credits: int = 0
    status: Status | None = None
    authorisation: str | None = None
    reason: str | None = None


KIND = Kind("payment", Payment, patched)


def request(payment: Payment, *, customer: str, amount_cents: int, credits: int) -> list[Payload]:  # noqa: A002
    """Ask for money; again, it changes nothing."""
    if amount_cents <= 0 or credits <= 0:
        raise Rejected("there is nothing to pay")
    return [] if payment.status else [PaymentRequested(customer=customer, amount_cents=amount_cents, credits=credits)]


def authorise(payment: Payment, *, authorisation: str) -> list[Payload]:
    """Note that the bank agrees."""
    _require(payment, "requested")
    return [PaymentAuthorised(authorisation=authorisation)]


def decline(payment: Payment, *, reason: Literal["funds", "expired", "limit"]) -> list[Payload]:
    """Note that the bank does not agree."""
    _require(payment, "requested")
    return [PaymentDeclined(reason=reason)]


def capture(payment: Payment) -> list[Payload]:
    """Take the money."""
    _require(payment, "authorised")
    return [PaymentCaptured(customer=_payer(payment), amount_cents=payment.amount_cents, credits=payment.credits)]


def refund(payment: Payment) -> list[Payload]:
    """Give the money back."""
    _require(payment, "captured")
    return [PaymentRefunded(customer=_payer(payment), amount_cents=payment.amount_cents, credits=payment.credits)]


def _payer(payment: Payment) -> str:
    if payment.customer is None:
        raise Rejected("nobody pays")
    return payment.customer


def _require(payment: Payment, status: Status) -> None:
    if payment.status != status:
        raise Rejected(f"a payment that is {payment.status} is not {status}")
