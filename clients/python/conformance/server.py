"""A server of its own for each scenario: a process with a directory and a port that it chooses itself."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

from quipu_client import AsyncClient, Client

_ROOT = Path(__file__).resolve().parents[3]


def binary() -> str:
    """The program to test, from `QUIPU_BINARY` or the checkout's own build. `SystemExit` when it is not there."""
    path = os.environ.get("QUIPU_BINARY") or str(_ROOT / "target" / "debug" / "quipu")
    if not os.access(path, os.X_OK):
        raise SystemExit(f"there is no server at {path}: build it, or set QUIPU_BINARY")
    return path


class Server:
    """A running server. It keeps its port and its directory over kills."""

    def __init__(self, *options: str) -> None:
        self._options = options
        self._home = tempfile.TemporaryDirectory(prefix="quipu-")
        self.address = "127.0.0.1:0"

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.kill()
        self._home.cleanup()

    def start(self) -> None:
        """Start it and wait until it listens."""
        data = str(Path(self._home.name) / "data")
        command = [binary(), "serve", "--log-format", "json", "--listen", self.address, "--data", data]
        # A server refuses to start with variables of its own prefix that it does not know.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("QUIPU_")}
        self._process = subprocess.Popen(
            [*command, *self._options],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr is not None
        said = []
        for line in self._process.stderr:
            said.append(line)
            if (address := _address(line)) is not None:
                self.address = address
                break
        else:
            raise RuntimeError("the server does not start:\n" + "".join(said))
        # What it says from now on is nobody's, but it must not fill the pipe. The thread ends with the process.
        self._drain = threading.Thread(target=self._process.stderr.read, daemon=True)
        self._drain.start()

    def kill(self) -> None:
        """End it with SIGKILL."""
        self._process.kill()
        self._process.wait()
        self._drain.join()
        if self._process.stderr is not None:
            self._process.stderr.close()

    def restart(self) -> None:
        """Kill it, and start it on the same port and directory."""
        self.kill()
        self.start()

    def client(self, **settings: Any) -> AsyncClient:
        """A client of it."""
        return AsyncClient(self.address, **settings)

    def blocking_client(self, **settings: Any) -> Client:
        """A blocking client of it."""
        return Client(self.address, **settings)


def _address(line: str) -> str | None:
    try:
        said = json.loads(line)
    except ValueError:
        return None
    fields = {**said, **said.get("fields", {})}
    return fields.get("address") if fields.get("message") == "listening" else None
