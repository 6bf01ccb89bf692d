"""Running one consumer as a process.

Owns its life: it says on standard output that it runs, and where its metrics are, as one JSON line, and ends in order
on SIGTERM or SIGINT. A server that is away is waited for.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from quipu_client import AsyncClient, RetryPolicy


class Consumer(Protocol):
    """What runs until it is stopped: a projector or a reactor."""

    async def run(self) -> None:
        """Work."""

    async def stop(self) -> None:
        """End `run`."""


@asynccontextmanager
async def patient_client(address: str, tenant: str | None = None) -> AsyncIterator[AsyncClient]:
    """A client that waits for a server that is away, from its first call on."""
    client = AsyncClient(address, tenant=tenant, retry=RetryPolicy.forever())
    try:
        yield client
    finally:
        await client.close()


def say(message: str, **fields: object) -> None:
    """Tell whoever started this process, by one JSON line."""
    sys.stdout.write(json.dumps({"message": message, **fields}) + "\n")
    sys.stdout.flush()


async def run_until_told(consumer: Consumer, name: str, metrics: str) -> None:
    """Run a consumer until SIGTERM or SIGINT. Raises what ends it before."""
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, told.set)
    running = asyncio.ensure_future(consumer.run())
    waiting = asyncio.ensure_future(told.wait())
    say("running", name=name, metrics=metrics)
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    await consumer.stop()
    await running
