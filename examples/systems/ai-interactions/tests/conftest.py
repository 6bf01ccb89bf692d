"""A server of its own for each test that asks for one, and a client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from quipu_client import AsyncClient

from scenario.fleet import Fleet


@pytest_asyncio.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Fleet]:
    """A running server; projectors and reactors are started by whoever wants some."""
    async with Fleet(tmp_path) as running:
        yield running


@pytest_asyncio.fixture
async def client(fleet: Fleet) -> AsyncIterator[AsyncClient]:
    """A client of the server."""
    async with AsyncClient(fleet.address) as connected:
        yield connected
