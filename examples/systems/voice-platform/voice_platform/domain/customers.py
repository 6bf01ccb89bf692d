"""Customers: who they are and what they have agreed to. An aggregate is one customer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .contracts import Payload
from .folding import Kind, Rejected, patched

Status = Literal["registered", "verified", "closed"]


class CustomerEvent(Payload, category="customer"):
    """What happens to a customer."""


class CustomerRegistered(CustomerEvent):
    """The platform knows a customer."""

    name: str
    phone: str
    status: Literal["registered"] = "registered"
    consents: dict[str, int] = field(default_factory=dict)


class CustomerVerified(CustomerEvent):
    """The customer has shown to be who they say they are."""

    method: Literal["document", "voiceprint", "code"]
    status: Literal["verified"] = "verified"


class CustomerContactChanged(CustomerEvent):
    """The customer is reached by another number."""

    phone: str


class CustomerConsentGiven(CustomerEvent):
    """The customer agreed to something: by its purpose, the edition of the text."""

    consents: dict[str, int]


class CustomerConsentWithdrawn(CustomerEvent):
    """The customer no longer agrees: a null for the purpose."""

    consents: dict[str, None]


class CustomerClosed(CustomerEvent):
    """The customer has left."""

    status: Literal["closed"] = "closed"


@dataclass(frozen=True)
class Customer:
    """The state of a customer."""

    name: str | None = None
    phone: str | None = None
    status: Status | None = None
    method: str | None = None
    consents: dict[str, int] = field(default_factory=dict)


KIND = Kind("customer", Customer, patched)


def register(customer: Customer, *, name: str, phone: str) -> list[Payload]:
    """Make a customer known; again, it changes nothing."""
    return [] if customer.status else [CustomerRegistered(name=name, phone=phone)]


def verify(customer: Customer, *, method: Literal["document", "voiceprint", "code"]) -> list[Payload]:
    """Note that a customer is who they say they are."""
    _require_open(customer)
    return [] if customer.status == "verified" else [CustomerVerified(method=method)]


def change_contact(customer: Customer, *, phone: str) -> list[Payload]:
    """Reach the customer by another number."""
    _require_open(customer)
    return [] if customer.phone == phone else [CustomerContactChanged(phone=phone)]


def give_consent(customer: Customer, *, purpose: str, edition: int) -> list[Payload]:
    """Note what a customer agrees to."""
    _require_open(customer)
    if customer.consents.get(purpose) == edition:
        return []
    return [CustomerConsentGiven(consents={purpose: edition})]


def withdraw_consent(customer: Customer, *, purpose: str) -> list[Payload]:
    """Note what a customer no longer agrees to."""
    _require_open(customer)
    return [CustomerConsentWithdrawn(consents={purpose: None})] if purpose in customer.consents else []


def close(customer: Customer) -> list[Payload]:
    """Let a customer go."""
    _require_open(customer)
    return [CustomerClosed()]


def _require_open(customer: Customer) -> None:
    if customer.status is None:
        raise Rejected("nobody knows this customer")
    if customer.status == "closed":
        raise Rejected("the customer has left")
