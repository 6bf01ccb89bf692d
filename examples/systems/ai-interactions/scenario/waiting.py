"""Waiting for something to be so, with a deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

PATIENCE = 60.0
"""Seconds that anything may take to come to be so."""
BETWEEN = 0.02
"""Seconds between two looks."""


async def eventually(is_so: Callable[[], Awaitable[bool]], what: str) -> None:
    """Look until it is so. `RuntimeError` when it does not come to be so in time."""
    deadline = time.monotonic() + PATIENCE
    while not await is_so():
        if time.monotonic() > deadline:
            raise RuntimeError(f"it never came to be so: {what}")
        await asyncio.sleep(BETWEEN)
