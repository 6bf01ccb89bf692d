"""How scenarios say what they expect, and how they wait for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from quipu_client import QuipuError

T = TypeVar("T")

PATIENCE = 20.0
"""Seconds that anything that is waited for may take."""


def equal(actual: object, wanted: object, what: str) -> None:
    """`AssertionError` when something is not as it is wanted."""
    if actual != wanted:
        raise AssertionError(f"{what}: expected {wanted!r}, got {actual!r}")


def true(condition: object, what: str) -> None:
    """`AssertionError` when something is not so."""
    if not condition:
        raise AssertionError(what)


def there(value: T | None, what: str) -> T:
    """The value. `AssertionError` when there is none."""
    if value is None:
        raise AssertionError(f"{what}: there is none")
    return value


async def refused(reason: str, call: Awaitable[Any]) -> QuipuError:
    """The error of a call that must fail for this reason."""
    try:
        outcome = await call
    except QuipuError as error:
        equal(error.reason, reason, f"the reason of {error.message!r}")
        return error
    raise AssertionError(f"expected {reason}, got {outcome!r}")


async def eventually(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Ask until it is so. `AssertionError` when it does not come to be so in time."""
    deadline = time.monotonic() + PATIENCE
    while not await condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"it never came to be so: {what}")
        await asyncio.sleep(0.01)


async def soon(awaitable: Awaitable[T], what: str) -> T:
    """What it gives. `AssertionError` when it does not come in time."""
    try:
        return await asyncio.wait_for(awaitable, PATIENCE)
    except asyncio.TimeoutError:
        raise AssertionError(f"it never came: {what}") from None
