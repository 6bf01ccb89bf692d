"""Processes that are started, killed and started again: the store, and those of the platform."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

DEADLINE = 60.0
"""Seconds after which something that is waited for is given up."""

_ROOT = Path(__file__).resolve().parents[4]


def free_address() -> str:
    """An address that nobody listens on, so that a store can come back to it."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{sock.getsockname()[1]}"


class Process:
    """A process and what it says on one of its outputs, a JSON object a line. The rest goes into a log file."""

    def __init__(self, name: str, command: Sequence[str], log: Path, *, says_on_stderr: bool = False) -> None:
        self.name = name
        self._command = command
        self._log = log
        self._says_on_stderr = says_on_stderr
        self._process: subprocess.Popen[str] | None = None
        self._has_said = threading.Condition()
        self._said: list[dict[str, Any]] = []
        self._is_over = False

    def start(self) -> None:
        """Start it, again as the case may be. What was said before is forgotten."""
        # The store refuses to start with variables of its own prefix that it does not know.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("QUIPU_")}
        self._said, self._is_over = [], False
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                self._command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log if self._says_on_stderr else subprocess.PIPE,
                stderr=subprocess.PIPE if self._says_on_stderr else log,
                text=True,
            )
        threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()

    def kill(self) -> None:
        """End it with SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Let it finish what it has in hand."""
        self._end(signal.SIGTERM)

    def wait_for(self, key: str, value: str) -> dict[str, Any]:
        """What it says with this value under this key. `RuntimeError` when it ends without, or takes too long."""

        def found() -> bool:
            return self._is_over or any(said.get(key) == value for said in self._said)

        with self._has_said:
            self._has_said.wait_for(found, DEADLINE)
            for said in self._said:
                if said.get(key) == value:
                    return said
        raise RuntimeError(f"{self.name} has not said {value}:\n{self._tail()}")

    def finish(self) -> list[dict[str, Any]]:
        """Wait until it ends by itself; returns what it said. `RuntimeError` when it fails or takes too long."""
        assert self._process is not None
        code = self._process.wait(2 * DEADLINE)
        with self._has_said:
            self._has_said.wait_for(lambda: self._is_over, DEADLINE)
            if code != 0:
                raise RuntimeError(f"{self.name} failed:\n{self._tail()}")
            return list(self._said)

    def require_alive(self) -> None:
        """`RuntimeError` when it has ended."""
        if self._process is not None and self._process.poll() is not None:
            raise RuntimeError(f"{self.name} has ended:\n{self._tail()}")

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(DEADLINE)
            self._process = None

    def _listen(self, process: subprocess.Popen[str]) -> None:
        output = process.stderr if self._says_on_stderr else process.stdout
        assert output is not None
        with output, self._log.open("a") as log:
            for line in output:
                log.write(line)
                said = _object(line)
                with self._has_said:
                    if process is self._process:
                        self._said.append(said)
                        self._has_said.notify_all()
        with self._has_said:
            if process is self._process:
                self._is_over = True
                self._has_said.notify_all()

    def _tail(self) -> str:
        return "\n".join(self._log.read_text().splitlines()[-30:])


class Server(Process):
    """The store: it comes back to the same address and the same directory."""

    def __init__(self, home: Path, address: str) -> None:
        command = [binary(), "serve", "--log-format", "json", "--listen", address, "--data", str(home / "data")]
        super().__init__("server", command, home / "server.log", says_on_stderr=True)
        self.address = address

    def start(self) -> None:
        """Start it and wait until it listens."""
        super().start()
        self.wait_for("message", "listening")


def service(home: Path, address: str, tenants: Sequence[str], module: str, *arguments: str) -> Process:
    """A process of the platform."""
    name = "-".join((module, *arguments[:1])) if arguments and not arguments[0].startswith("-") else module
    for_tenants = [part for tenant in tenants for part in ("--tenant", tenant)]
    command = [sys.executable, "-m", f"voice_platform.services.{module}", "--address", address, *for_tenants]
    return Process(name, [*command, *arguments], home / f"{name}.log")


def binary() -> str:
    """The store's program: `QUIPU_BINARY`, or the checkout's own build. `FileNotFoundError` when it is not there."""
    path = os.environ.get("QUIPU_BINARY") or str(_ROOT / "target" / "debug" / "quipu")
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"there is no server at {path}: build it, or set QUIPU_BINARY")
    return path


def _object(line: str) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return {**said, **said.get("fields", {})} if isinstance(said, dict) else {}
