"""The scenario: plain, under 20 kills, and the read models of that rebuilt. Ends with 1 when anything differs."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Collection, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random

from quipu_client import GroupStart

from voice_platform.outbox import Outbox
from voice_platform.projections import PROJECTIONS
from voice_platform.reactions import REACTIONS
from voice_platform.tenancy import Tenant
from voice_platform.workload import Workload

from .checks import Driven, Findings, check_tenant, documents_of
from .kills import kill_at_moments
from .processes import Process, Server, free_address, service
from .waiting import everything_is_done_for

TENANTS = ("north", "south")
KILLS = 20
SHOWN_MAX = 20
"""So many differences are told in words."""


class System:
    """The store and all processes of the platform, in a directory."""

    def __init__(self, home: Path, seed: int, events: int) -> None:
        home.mkdir(exist_ok=True)
        self.home = home
        self.changed: dict[str, int] = {}
        """How many commands changed something, by tenant: what the driver said of it."""
        self._workloads = {name: Workload(name, seed, events // len(TENANTS)) for name in TENANTS}
        self.server = Server(home, free_address())
        address = self.server.address
        self.workers: dict[Process, Collection[str]] = {}
        """The projectors and reactors, with the types of events that they deal with."""
        for model, projection in PROJECTIONS.items():
            self.workers[service(home, address, TENANTS, "projector", model)] = projection.types
        for name, reaction in REACTIONS.items():
            reactor = service(home, address, TENANTS, "reactor", name, "--outbox", str(home / "outbox"))
            self.workers[reactor] = reaction.types
        self.provision = service(home, address, TENANTS, "provision")
        plan = ("--seed", str(seed), "--events", str(events))
        self.driver = service(home, address, TENANTS, "driver", *plan)

    def tenants(self) -> list[Tenant]:
        """The tenants, as somebody who looks at the system from outside."""
        return [Tenant(self.server.address, name) for name in TENANTS]

    def driven(self, tenant: str) -> Driven:
        """What the driver has done for a tenant."""
        workload = self._workloads[tenant]
        scripts = [*workload.opening(), *workload.scripts()]
        return Driven(frozenset(command.id for script in scripts for command in script), self.changed[tenant])

    def start(self) -> None:
        """Start the store, take the tenants in, start the workers."""
        self.server.start()
        self.provision.start()
        self.provision.finish()
        for worker in self.workers:
            worker.start()

    def kill(self) -> None:
        """End everything."""
        for process in (self.driver, *self.workers, self.server):
            process.kill()


async def run(system: System, kills: int, seed: int, events: int) -> tuple[Findings, int]:
    """Run the system until all is done; tells what was found and how many processes were killed."""
    system.start()
    system.driver.start()
    async with AsyncExitStack() as stack:
        tenants = [await stack.enter_async_context(tenant) for tenant in system.tenants()]
        killed = await kill_at_moments(
            tenants[0], system.server, system.workers, kills, events // len(TENANTS), Random(seed)
        )
        for said in await asyncio.to_thread(system.driver.finish):
            if said.get("say") == "driven":
                system.changed[said["tenant"]] = said["changed"]
        await everything_is_done_for(tenants)
        for worker in system.workers:
            worker.require_alive()
        return await check(system, tenants), killed


async def rebuild(system: System, events: int) -> Findings:
    """Have reactors see every event again, make all read models again from zero, and compare.

    What reactors do is done once, so there are as many events as before. Read models are made by new processes.
    """
    async with AsyncExitStack() as stack:
        tenants = [await stack.enter_async_context(tenant) for tenant in system.tenants()]
        for tenant in tenants:
            for group in REACTIONS:
                await tenant.client.consumers.reset(group, GroupStart.start())
        await everything_is_done_for(tenants)
        for worker in system.workers:
            worker.stop()
        before = [await documents_of(tenant, model) for tenant in tenants for model in PROJECTIONS]
        address = system.server.address
        rebuilders = [service(system.home, address, TENANTS, "projector", model, "--rebuild") for model in PROJECTIONS]
        for rebuilder in rebuilders:
            rebuilder.start()
        for rebuilder in rebuilders:
            await asyncio.to_thread(rebuilder.finish)
        findings = await check(system, tenants)
        findings.compare("events", findings.events, events)
        after = [await documents_of(tenant, model) for tenant in tenants for model in PROJECTIONS]
        findings.compare("documents before and after", after, before)
        for tenant in tenants:
            for model in PROJECTIONS:
                generations = [it.generation for it in await tenant.client.read_models.describe(model)]
                findings.compare(f"generations of {model}", generations, [2])
        return findings


async def check(system: System, tenants: Sequence[Tenant]) -> Findings:
    """What is found of all tenants together."""
    together = Findings()
    for tenant in tenants:
        others = [other for other in tenants if other is not tenant]
        outbox = Outbox(system.home / "outbox" / tenant.name)
        found = await check_tenant(tenant, outbox, others, system.driven(tenant.name))
        together.events += found.events
        together.documents += found.documents
        together.amiss += found.amiss
    return together


def tell(name: str, findings: Findings, kills: int) -> bool:
    """Print the line of a run; tells whether nothing differs."""
    print(
        f"voice-platform {name}: events {findings.events}, kills {kills}, documents {findings.documents}, "
        f"differences {len(findings.amiss)}",
        flush=True,
    )
    for amiss in findings.amiss[:SHOWN_MAX]:
        print(f"  {amiss}", file=sys.stderr)
    return not findings.amiss


async def main() -> int:
    """All three runs."""
    seed, events = int(os.environ.get("SEED", "1")), int(os.environ.get("EVENTS", "1500"))
    print(f"seed {seed}", flush=True)
    are_right = []
    with tempfile.TemporaryDirectory(prefix="voice-platform-") as directory:
        for name, kills in (("plain", 0), ("kills", KILLS)):
            system = System(Path(directory) / name, seed, events)
            try:
                findings, killed = await run(system, kills, seed, events)
                are_right.append(tell(name, findings, killed))
                if kills:
                    are_right.append(tell("rebuild", await rebuild(system, findings.events), 0))
            finally:
                system.kill()
    return 0 if all(are_right) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
