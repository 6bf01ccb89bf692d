"""Waiting and doing things side by side, as threads. The asyncio client does it with tasks."""

from __future__ import annotations

import inspect
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeAlias

Done: TypeAlias = object
"""What a handler returns: nothing that anybody looks at."""


def finish(done: Done) -> None:
    """Note that a handler was called. `TypeError` when it is a coroutine function, which nobody would wait for."""
    if inspect.iscoroutine(done):
        done.close()
        raise TypeError("a handler of the blocking client cannot be a coroutine function")


def pause(seconds: float) -> None:
    """Let time pass."""
    time.sleep(seconds)


class Flag:
    """Something that may come to be so, once."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """From now on it is so."""
        self._event.set()

    @property
    def is_set(self) -> bool:
        """Whether it is so."""
        return self._event.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Whether it is so by now, or comes to be so within so many seconds."""
        return self._event.wait(timeout)


class Workers:
    """Threads that are waited for."""

    def __init__(self, limit: int = 1) -> None:
        """Run at most so many at once."""
        self._pool = ThreadPoolExecutor(limit, "quipu-client")
        self._lock = threading.Lock()
        self._running: set[Future[None]] = set()

    def spawn(self, work: Callable[..., None], *args: object) -> None:
        """Begin something that raises nothing."""
        future = self._pool.submit(work, *args)
        with self._lock:
            self._running.add(future)
        future.add_done_callback(self._forget)

    def join(self, timeout: float | None = None) -> bool:
        """Wait until all is done; false when it is not within so many seconds."""
        with self._lock:
            running = set(self._running)
        return not wait(running, timeout).not_done

    def close(self) -> None:
        """Begin nothing more. What runs in a thread cannot be cancelled."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _forget(self, future: Future[None]) -> None:
        with self._lock:
            self._running.discard(future)


class Alarm:
    """Calls something after so many seconds, unless it is cancelled before."""

    def __init__(self, seconds: float, ring: Callable[[], None]) -> None:
        self._timer = threading.Timer(seconds, ring)
        self._timer.daemon = True
        self._timer.start()

    def cancel(self) -> None:
        """Do not call it."""
        self._timer.cancel()
