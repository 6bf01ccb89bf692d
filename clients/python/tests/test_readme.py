"""Every sample of the README, as it stands there, one after the other against a real server."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from conformance.server import Server

README = Path(__file__).resolve().parents[1] / "README.md"
ADDRESS = "127.0.0.1:2113"
HEADINGS = [
    "Install",
    "Connect",
    "Append",
    "Read",
    "Subscribe",
    "Query",
    "Transact",
    "Snapshots",
    "Streams",
    "Checkpoints",
    "Aggregates",
    "Upcasters",
    "Reactors",
    "Projectors",
    "Read models",
    "Consumer groups",
    "Replay",
    "Errors",
    "Conformance",
]


def samples() -> list[tuple[str, str]]:
    """Each sample with what it prints."""
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", README.read_text(), flags=re.MULTILINE | re.DOTALL)
    found: list[tuple[str, str]] = []
    for language, text in blocks:
        if language == "python":
            found.append((text, ""))
        elif language == "text":
            found[-1] = (found[-1][0], text)
    return found


async def run(server: Server, capture: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    for source, wanted in samples():
        assert server.address != ADDRESS
        code = compile(source.replace(ADDRESS, server.address), "README.md", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        # A module that awaits is a coroutine, which evaluating gives; one that does not has run by then.
        outcome = eval(code, names)
        if inspect.isawaitable(outcome):
            await outcome
        assert capture.readouterr().out == wanted, source


def test_every_sample_prints_what_it_says(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(asyncio.wait_for(run(server, capsys), 60))


def test_the_headings_are_those_of_all_clients() -> None:
    assert re.findall(r"^## (.+)$", README.read_text(), flags=re.MULTILINE) == HEADINGS


def test_every_heading_but_the_ends_has_a_sample() -> None:
    sections = re.split(r"^## .+$", README.read_text(), flags=re.MULTILINE)[2:-1]
    assert all("```python" in section for section in sections)
