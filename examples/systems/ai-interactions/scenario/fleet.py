"""All processes of the system, on a directory of their own."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from types import TracebackType

from ai_interactions.projections import PROJECTIONS
from ai_interactions.status import GROUPS

from .process import Child

ROOT = Path(__file__).resolve().parents[4]


def binary() -> str:
    """The server's program, from `QUIPU_BINARY` or the repository's own build. `SystemExit` when it is not there."""
    path = os.environ.get("QUIPU_BINARY") or str(ROOT / "target" / "debug" / "quipu")
    if not os.access(path, os.X_OK):
        raise SystemExit(f"there is no server at {path}: build it, or set QUIPU_BINARY")
    return path


class Fleet:
    """A server with its projectors and reactors. The server keeps its address over kills."""

    def __init__(self, home: Path) -> None:
        """Keep data and inbox in this directory."""
        self.home = home
        self.inbox = home / "reviewer-inbox"
        self.address = "127.0.0.1:0"
        self.server = Child("server", self._serve, begins="listening", speaks="stderr")
        self.consumers = {name: self._child(name, "project", name) for name in PROJECTIONS}
        for name in GROUPS:
            self.consumers[name] = self._child(name, "react", name, "--inbox", str(self.inbox))
        self._others: list[Child] = []

    async def __aenter__(self) -> Fleet:
        await self.server.start()
        self.address = self.server.said[-1]["address"]
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for child in (*self._others, *self.consumers.values(), self.server):
            await child.kill()

    @property
    def children(self) -> dict[str, Child]:
        """The server and all consumers, by name."""
        return {self.server.name: self.server, **self.consumers}

    async def start_consumers(self) -> None:
        """Start all projectors and reactors."""
        await asyncio.gather(*(child.start() for child in self.consumers.values()))

    async def end_consumers(self) -> None:
        """End them in order."""
        await asyncio.gather(*(child.end() for child in self.consumers.values()))

    async def drive(self, seed: int, events: int) -> Child:
        """Start a driver."""
        arguments = ["--address", self.address, "--seed", str(seed), "--events", str(events)]
        return await self._start("driver", [sys.executable, "-m", "scenario.driver", *arguments])

    async def rebuild(self, model: str) -> Child:
        """Start to make a read model again from zero; returns when that is done."""
        command = [sys.executable, "-m", "ai_interactions", "--address", self.address, "rebuild", model]
        return await self._start(f"rebuild {model}", command, begins="rebuilt")

    async def _start(self, name: str, command: list[str], begins: str = "running") -> Child:
        child = Child(name, lambda: command, begins=begins, speaks="stdout")
        self._others.append(child)
        await child.start()
        return child

    def _child(self, name: str, *arguments: str) -> Child:
        def command() -> list[str]:
            return [sys.executable, "-m", "ai_interactions", "--address", self.address, *arguments]

        return Child(name, command, begins="running", speaks="stdout")

    def _serve(self) -> list[str]:
        data = str(self.home / "data")
        return [binary(), "serve", "--log-format", "json", "--listen", self.address, "--data", data]
