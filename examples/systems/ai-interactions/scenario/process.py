"""A child process that can be killed and started again.

Owns `Child`: it is running once it has said so by a JSON line, and what it says is kept. Waits have a deadline and
end when the process does.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from typing import Any, Literal

from .waiting import PATIENCE


class Child:
    """A process by its command. It speaks on standard output, or on standard error as the server does."""

    def __init__(
        self, name: str, command: Callable[[], list[str]], *, begins: str, speaks: Literal["stdout", "stderr"]
    ) -> None:
        """Start by `command`; it runs when it has said a line with the message `begins`."""
        self.name = name
        self.said: list[dict[str, Any]] = []
        """The JSON lines of the process that runs now."""
        self.history: list[dict[str, Any]] = []
        """Those of all processes that ran before as well."""
        self._command = command
        self._begins = begins
        self._speaks = speaks
        self._process: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None
        self._heard = asyncio.Condition()
        self._has_fallen_silent = False

    async def start(self) -> None:
        """Start it and wait until it runs."""
        pipe, inherit = asyncio.subprocess.PIPE, None
        # A server refuses to start with variables of its own prefix that it does not know.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("QUIPU_")}
        self.said, self._has_fallen_silent = [], False
        self._process = process = await asyncio.create_subprocess_exec(
            *self._command(),
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=pipe if self._speaks == "stdout" else asyncio.subprocess.DEVNULL,
            stderr=pipe if self._speaks == "stderr" else inherit,
        )
        voice = process.stdout if self._speaks == "stdout" else process.stderr
        assert voice is not None
        self._listening = asyncio.ensure_future(self._listen(voice))
        await self.heard(self._begins)

    async def heard(self, message: str, enough: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
        """The first line with this message that is enough. `RuntimeError` when the process ends before."""

        def find() -> dict[str, Any] | None:
            return next((line for line in self.said if line.get("message") == message and enough(line)), None)

        async with self._heard:
            waiting = self._heard.wait_for(lambda: find() is not None or self._has_fallen_silent)
            try:
                await asyncio.wait_for(waiting, PATIENCE)
            except asyncio.TimeoutError:
                raise RuntimeError(f"{self.name} never said {message}") from None
        line = find()
        if line is None:
            raise RuntimeError(f"{self.name} ended before it said {message}; it said {self.said[-3:]}")
        return line

    def has_said(self, message: str) -> bool:
        """Whether it has said a line with this message."""
        return any(line.get("message") == message for line in self.said)

    async def kill(self) -> None:
        """End it with SIGKILL."""
        self.signal(signal.SIGKILL)
        await self._ended()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def end(self) -> None:
        """End it in order. `RuntimeError` when it does not end well."""
        self.signal(signal.SIGTERM)
        await self.ends_well()

    async def ends_well(self) -> None:
        """Wait until it ends by itself. `RuntimeError` when it ends with a failure."""
        if (code := await self._ended()) != 0:
            raise RuntimeError(f"{self.name} ended with {code}")

    async def _ended(self) -> int:
        if self._process is None or self._listening is None:
            return 0
        try:
            code = await asyncio.wait_for(self._process.wait(), PATIENCE)
        except asyncio.TimeoutError:
            self._process.kill()
            raise RuntimeError(f"{self.name} never ended") from None
        await self._listening
        return code

    async def _listen(self, voice: asyncio.StreamReader) -> None:
        async for text in voice:
            try:
                line = json.loads(text)
            except ValueError:
                continue
            async with self._heard:
                self.said.append({**line, **line.get("fields", {})})
                self.history.append(self.said[-1])
                self._heard.notify_all()
        async with self._heard:
            self._has_fallen_silent = True
            self._heard.notify_all()
