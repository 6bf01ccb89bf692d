"""What all processes of the platform share: what they are told, that they say when they are ready, and how they end.

A process serves all tenants that it is given, each over a connection of its own. SIGTERM lets it finish what it has
in hand; SIGKILL does no harm either.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

from ..tenancy import Tenant


def arguments(description: str) -> argparse.ArgumentParser:
    """What every process is told."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--address", required=True, help="where the store is")
    parser.add_argument("--tenant", action="append", required=True, dest="tenants", help="whom to serve; repeatable")
    return parser


def say(what: str, **details: Any) -> None:
    """Tell whoever started this process, as a line of JSON."""
    sys.stdout.write(json.dumps({"say": what, **details}) + "\n")
    sys.stdout.flush()


async def with_tenants(
    address: str, names: Sequence[str], work: Callable[[Tenant], Awaitable[None]], *, is_ready: bool = True
) -> None:
    """Do something for each tenant, side by side; the first failure ends it all."""
    async with AsyncExitStack() as stack:
        tenants = [await stack.enter_async_context(Tenant(address, name)) for name in names]
        async with asyncio.TaskGroup() as group:
            for tenant in tenants:
                group.create_task(_do(work, tenant))
            if is_ready:
                say("ready")


def on_sigterm(stop: Callable[[], Awaitable[None]]) -> None:
    """Have SIGTERM stop something."""
    loop = asyncio.get_running_loop()
    stopping: set[asyncio.Future[None]] = set()

    def begin() -> None:
        stopping.add(asyncio.ensure_future(stop()))

    loop.add_signal_handler(signal.SIGTERM, begin)


def log_warnings() -> None:
    """Write warnings to stderr, where whoever started this process finds them."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")


async def _do(work: Callable[[Tenant], Awaitable[None]], tenant: Tenant) -> None:
    await work(tenant)
