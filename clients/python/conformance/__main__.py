"""Runs the scenarios: `python -m conformance [name ...]`. One line each; the exit code is 1 if one failed."""

from __future__ import annotations

import asyncio
import logging
import sys
import traceback

from .scenarios import SCENARIOS
from .server import Server, binary

PATIENCE = 120.0
"""Seconds that a scenario may take."""


async def run(name: str) -> str | None:
    """Why it failed; none when it did not."""
    scenario = SCENARIOS[name]
    try:
        with Server("--heartbeat-seconds", "1") as server:
            await asyncio.wait_for(scenario(server), PATIENCE)
    except Exception as failure:
        traceback.print_exc()
        return f"{type(failure).__name__}: {failure}"
    return None


async def run_all(names: list[str]) -> int:
    """Run one after the other; returns the exit code."""
    code = 0
    for name in names:
        why = await run(name)
        print(f"ok {name}" if why is None else f"FAIL {name}: {why}", flush=True)
        code |= why is not None
    return code


def main() -> None:
    """Run those that are named, or all."""
    names = sys.argv[1:] or list(SCENARIOS)
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown:
        sys.exit(f"no scenario is called {', '.join(unknown)}; there are {', '.join(SCENARIOS)}")
    binary()
    # Scenarios make handlers fail; what the client says of that would be taken for a failure of theirs.
    logging.getLogger("quipu_client").addHandler(logging.NullHandler())
    sys.exit(asyncio.run(run_all(names)))


if __name__ == "__main__":
    main()
