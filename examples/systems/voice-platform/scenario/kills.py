"""Kills at seeded moments: moments of the log, so that they fall into the middle of work on any machine."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from random import Random

from voice_platform.tenancy import Tenant

from .processes import DEADLINE, Process, Server

SPAN = (0.04, 0.8)
"""Kills fall between these parts of the expected length of the log."""
PATIENCE = 25
"""A worker is killed at its moment or, within so many events, with the next that it deals with."""


async def kill_at_moments(
    tenant: Tenant,
    server: Server,
    workers: Mapping[Process, Collection[str]],
    kills: int,
    events: int,
    random: Random,
) -> int:
    """Kill so many processes, each when the log has reached its moment, and start them again; returns how many.

    `workers` are told with the types of events that they deal with. Every process has its turn before one has its
    second. A worker is killed once it was ready, so in its work. `TimeoutError` when the log does not get so far.
    """
    victims: list[Process] = []
    while len(victims) < kills:
        victims += random.sample([server, *workers], len(workers) + 1)
    moments = sorted(random.randint(int(SPAN[0] * events), int(SPAN[1] * events)) for _ in range(kills))
    waiting = list(zip(moments, victims[:kills], strict=True))
    if not waiting:
        return 0
    async with asyncio.timeout(2 * DEADLINE), tenant.client.subscribe_all() as subscription:
        async for event in subscription:
            due = [
                (moment, victim)
                for moment, victim in waiting
                if event.position >= moment
                and (event.type in workers.get(victim, (event.type,)) or event.position >= moment + PATIENCE)
            ]
            for kill in due:
                await asyncio.to_thread(_kill, kill[1], was_ready=kill[1] is not server)
                waiting.remove(kill)
            if not waiting:
                break
    return kills


def _kill(victim: Process, *, was_ready: bool) -> None:
    if was_ready:
        victim.wait_for("say", "ready")
    victim.kill()
    victim.start()
