"""Waiting and doing things side by side, as tasks of asyncio. The blocking client does it with threads."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")

Done: TypeAlias = Awaitable[None] | None
"""What a handler returns: it may be a coroutine function or a plain one."""


async def finish(done: Done) -> None:
    """Wait for a handler that was called."""
    if inspect.isawaitable(done):
        await done


async def pause(seconds: float) -> None:
    """Let time pass."""
    await asyncio.sleep(seconds)


class Flag:
    """Something that may come to be so, once."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """From now on it is so."""
        self._event.set()

    @property
    def is_set(self) -> bool:
        """Whether it is so."""
        return self._event.is_set()

    async def wait(self, timeout: float | None = None) -> bool:
        """Whether it is so by now, or comes to be so within so many seconds."""
        try:
            await asyncio.wait_for(self._event.wait(), timeout)
        except asyncio.TimeoutError:
            return False
        return True


class Workers:
    """Tasks that are waited for."""

    def __init__(self, _limit: int = 1) -> None:
        """Take any number of tasks: whoever spawns them keeps the limit."""
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Callable[..., Coroutine[Any, Any, None]], *args: object) -> None:
        """Begin something that raises nothing."""
        task = asyncio.ensure_future(work(*args))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def join(self, timeout: float | None = None) -> bool:
        """Wait until all is done; false when it is not within so many seconds."""
        if not self._tasks:
            return True
        _, pending = await asyncio.wait(set(self._tasks), timeout=timeout)
        return not pending

    async def close(self) -> None:
        """Cancel what is not done."""
        left = set(self._tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


class Alarm:
    """Calls something after so many seconds, unless it is cancelled before."""

    def __init__(self, seconds: float, ring: Callable[[], None]) -> None:
        self._handle = asyncio.get_running_loop().call_later(seconds, ring)

    def cancel(self) -> None:
        """Do not call it."""
        self._handle.cancel()
