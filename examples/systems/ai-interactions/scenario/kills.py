"""Who is killed and when: the same for the same seed."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from quipu_client import AsyncClient, Query

from ai_interactions.reactors import compliance, reviewers

from .process import Child
from .waiting import PATIENCE

KILLS = 20
EFFECTS = {compliance.GROUP: "ComplianceReviewOpened", reviewers.GROUP: "ReviewersNotified"}
"""What each reactor appends."""
LAST = 0.8
"""The share of the commands that are done at the last kill, at most."""


@dataclass(frozen=True)
class Kill:
    """A process is killed when so many commands are done."""

    commands: int
    target: str


def plan_kills(seed: int, targets: Sequence[str], commands: int) -> list[Kill]:
    """Kills in the order of time. Each target has its turn before one comes again."""
    lot = random.Random(f"kills {seed}")
    victims: list[str] = []
    while len(victims) < KILLS:
        victims += lot.sample(list(targets), len(targets))
    moments = sorted(lot.randint(1, int(commands * LAST)) for _ in range(KILLS))
    return [Kill(moment, victim) for moment, victim in zip(moments, victims, strict=False)]


async def carry_out(kills: Sequence[Kill], client: AsyncClient, children: dict[str, Child], driver: Child) -> int:
    """Kill at each moment and start again at once, while the driver goes on; returns how many kills came in time.

    A reactor is killed when its next effect is seen: it has hardly been settled, and will happen again.
    Each kill is to hit a process that works: when one is due again before it has come back, the driver is frozen
    until it has.
    """
    comebacks: dict[str, asyncio.Task[None]] = {}
    in_time = 0
    for kill in kills:
        await driver.heard("progress", partial(_is_at, kill.commands))
        comeback = comebacks.get(kill.target)
        if comeback is not None and not comeback.done():
            driver.signal(signal.SIGSTOP)
            try:
                await comeback
            finally:
                driver.signal(signal.SIGCONT)
        child = children[kill.target]
        if (effect := EFFECTS.get(kill.target)) is not None:
            await _seen(client, effect)
        in_time += not driver.has_said("done")
        await child.kill()
        comebacks[kill.target] = asyncio.ensure_future(child.start())
    await asyncio.gather(*comebacks.values())
    return in_time


async def _seen(client: AsyncClient, event_type: str) -> None:
    async with client.subscribe_all(from_end=True, query=Query.types(event_type)) as subscription:
        await asyncio.wait_for(anext(aiter(subscription)), PATIENCE)


def _is_at(commands: int, line: dict[str, Any]) -> bool:
    return bool(line["commands"] >= commands)
