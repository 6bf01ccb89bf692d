from __future__ import annotations

from collections.abc import Iterator

import pytest

from conformance.server import Server


@pytest.fixture
def server() -> Iterator[Server]:
    with Server("--heartbeat-seconds", "1") as running:
        yield running
