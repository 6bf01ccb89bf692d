"""Three runs: plain, through kills, and rebuilt from zero. One line each; the exit code is 1 if anything is wrong."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from quipu_client import AsyncClient, RecordedEvent

from ai_interactions.process import patient_client
from ai_interactions.projections import PROJECTIONS
from ai_interactions.reviewer_inbox import InboxDirectory
from ai_interactions.status import GROUPS

from . import checks
from .expected import broken_pairs, expected_documents, expected_effects, facts_of
from .fleet import Fleet, binary
from .kills import KILLS, carry_out, plan_kills
from .workload import workload

SHOWN = 10
"""How many faults of a run are told."""


class Scenario:
    """The runs over one workload."""

    def __init__(self, seed: int, events: int) -> None:
        """Draw everything from the seed; record about so many events."""
        self._seed = seed
        self._events = events
        self._plans = workload(seed, events)
        self.faults = 0

    async def plain(self, home: Path) -> None:
        """Everybody works, nobody is killed."""
        async with Fleet(home) as fleet, patient_client(fleet.address) as client:
            await fleet.start_consumers()
            driver = await fleet.drive(self._seed, self._events)
            await driver.heard("done")
            await driver.ends_well()
            await checks.caught_up(client)
            log = await client.read_all().collect()
            mismeasured = await checks.mismeasured(log, fleet)
            await fleet.end_consumers()
            await self._compare("plain", client, fleet, kills=0, faults=mismeasured)

    async def kills(self, home: Path) -> None:
        """The server and all consumers are killed again and again, while the driver goes on."""
        async with Fleet(home) as fleet, patient_client(fleet.address) as client:
            await fleet.start_consumers()
            commands = sum(len(plan.commands) for plan in self._plans)
            kills = plan_kills(self._seed, list(fleet.children), commands)
            driver = await fleet.drive(self._seed, self._events)
            in_time = await carry_out(kills, client, fleet.children, driver)
            await driver.heard("done")
            await driver.ends_well()
            await checks.caught_up(client)
            await fleet.end_consumers()
            faults = [] if in_time == KILLS else [f"{KILLS - in_time} kills came after the driver was done"]
            faults += [
                f"{group} never repeated an effect: the kills prove nothing of it"
                for group in GROUPS
                if not any(line["message"] == "repeated" for line in fleet.consumers[group].history)
            ]
            await self._compare("kills", client, fleet, kills=len(kills), faults=faults)

    async def rebuild(self, home: Path) -> None:
        """The read models that came through the kills are made again from zero, and what was is looked at again."""
        async with Fleet(home) as fleet, patient_client(fleet.address) as client:
            before = await checks.read_documents(client)
            for rebuilding in await asyncio.gather(*(fleet.rebuild(model) for model in PROJECTIONS)):
                await rebuilding.ends_well()
            after = await checks.read_documents(client)
            faults = [f"rebuilt: {it}" for it in checks.differences(after, before)]
            for model in PROJECTIONS:
                generations = [it.generation for it in await client.read_models.describe(model)]
                faults += [] if generations == [2] else [f"{model} has generations {generations}, and must have [2]"]
            faults += await checks.misremembered(client, await client.read_all().collect())
            faults += await checks.misrestored(client, self._plans)
            await self._compare("rebuild", client, fleet, kills=0, faults=faults)

    async def _compare(self, run: str, client: AsyncClient, fleet: Fleet, *, kills: int, faults: list[str]) -> None:
        """Compare with the independent fold and print the line of a run."""
        log: list[RecordedEvent] = await client.read_all().collect()
        facts = facts_of(log)
        expected = {**expected_documents(facts), **expected_effects(facts)}
        effects = checks.read_effects(log, InboxDirectory(fleet.inbox))
        found = checks.differences({**await checks.read_documents(client), **effects}, expected)
        counts = f"events {len(log)}, kills {kills}, documents {len(expected)}, differences {len(found)}"
        print(f"ai-interactions {run}: {counts}", flush=True)
        faults = [*found, *faults, *checks.miscounts(log, self._plans), *broken_pairs(log)]
        for fault in faults[:SHOWN]:
            print(f"  wrong: {fault}", file=sys.stderr, flush=True)
        self.faults += len(faults)


async def main() -> int:
    """Run all; returns the exit code."""
    seed, events = int(os.environ.get("SEED", "7")), int(os.environ.get("EVENTS", "1500"))
    binary()
    print(f"ai-interactions: SEED={seed} EVENTS={events}", flush=True)
    scenario = Scenario(seed, events)
    with tempfile.TemporaryDirectory(prefix="ai-interactions-") as home:
        first, second = Path(home, "first"), Path(home, "second")
        await scenario.plain(first)
        await scenario.kills(second)
        await scenario.rebuild(second)
    return 1 if scenario.faults else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
