from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from scenario.processes import Server, free_address
from voice_platform.tenancy import Tenant

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One store for all tests: each has tenants of its own."""
    server = Server(tmp_path_factory.mktemp("store"), free_address())
    server.start()
    yield server
    server.kill()


class Tenants:
    """Makes tenants that nobody else has."""

    def __init__(self, address: str) -> None:
        self._address = address

    def new(self) -> Tenant:
        return Tenant(self._address, f"tenant-{next(_numbers)}")


@pytest.fixture
def tenants(server: Server) -> Tenants:
    return Tenants(server.address)


@pytest.fixture
def outbox_home(tmp_path: Path) -> Path:
    return tmp_path / "outbox"
