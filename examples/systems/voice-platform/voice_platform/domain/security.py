"""Security: who signs in and who sees what. An aggregate is one principal, a person or a service with a password."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .contracts import Payload
from .folding import Kind, Rejected, patched

FAILURES_MAX = 3
"""After so many failures in a row a principal is locked."""


class SecurityEvent(Payload, category="security"):
    """What happens to a principal."""


class SignInSucceeded(SecurityEvent):
    """The password was right."""

    address: str
    failures: Literal[0] = 0


class SignInFailed(SecurityEvent):
    """The password was wrong, so many times in a row."""

    address: str
    failures: int


class PrincipalLocked(SecurityEvent):
    """No password is right from now on."""

    is_locked: Literal[True] = True


class PrincipalUnlocked(SecurityEvent):
    """Somebody has looked into it."""

    by: str
    is_locked: Literal[False] = False
    failures: Literal[0] = 0


class SensitiveDataViewed(SecurityEvent):
    """The principal has seen what not everybody may see."""

    subject: str
    views: int


@dataclass(frozen=True)
class Principal:
    """The state of a principal."""

    address: str | None = None
    failures: int = 0
    is_locked: bool | None = None
    by: str | None = None
    subject: str | None = None
    views: int | None = None


KIND = Kind("security", Principal, patched)


def sign_in(principal: Principal, *, address: str, is_right: bool) -> list[Payload]:
    """Try a password."""
    if principal.is_locked:
        raise Rejected("the principal is locked")
    if is_right:
        return [SignInSucceeded(address=address)]
    return [SignInFailed(address=address, failures=principal.failures + 1)]


def lock(principal: Principal) -> list[Payload]:
    """Lock a principal with too many failures."""
    return [] if principal.is_locked or principal.failures < FAILURES_MAX else [PrincipalLocked()]


def unlock(principal: Principal, *, by: str) -> list[Payload]:
    """Let a principal try again."""
    return [PrincipalUnlocked(by=by)] if principal.is_locked else []


def view(principal: Principal, *, subject: str) -> list[Payload]:
    """Note what a principal sees."""
    if principal.is_locked or principal.address is None:
        raise Rejected("the principal is not signed in")
    return [SensitiveDataViewed(subject=subject, views=(principal.views or 0) + 1)]
