"""The process that issues the workload's commands for each tenant, then ends: `driver --seed S --events N`.

It goes on while the store is away: a command waits until the store is back, and is then carried out once.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from ..domain.folding import Rejected
from ..envelope import Context
from ..tenancy import Tenant
from ..workload import Command, Script, Workload
from .process import arguments, log_warnings, say, with_tenants

SIDE_BY_SIDE = 8
"""Scripts of one tenant that run at the same time."""


class Driver:
    """Carries out scripts for a tenant and counts."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self.outcomes = Counter(changed=0, unchanged=0, rejected=0)
        """How many commands ended in which way."""

    async def run(self, workload: Workload) -> None:
        """Carry out the whole workload."""
        await self._all(workload.opening())
        await self._all(list(workload.scripts()))

    async def _all(self, scripts: list[Script]) -> None:
        waiting = iter(scripts)

        async def work() -> None:
            for script in waiting:
                for command in script:
                    await self._carry_out(command)

        async with asyncio.TaskGroup() as group:
            for _ in range(SIDE_BY_SIDE):
                group.create_task(work())

    async def _carry_out(self, command: Command) -> None:
        context = Context(
            self._tenant.name, command.actor, command.correlation_id, command.id, occurred_at=command.occurred_at
        )
        try:
            done = await self._tenant.execute(command.kind, command.aggregate_id, command.decide, context)
        except Rejected:
            self.outcomes["rejected"] += 1
        else:
            self.outcomes["unchanged" if done.appended is None else "changed"] += 1


async def serve(address: str, tenants: list[str], seed: int, events: int) -> None:
    """Carry out the workloads of all tenants, with about so many events together."""

    async def drive(tenant: Tenant) -> None:
        driver = Driver(tenant)
        await driver.run(Workload(tenant.name, seed, events // len(tenants)))
        say("driven", tenant=tenant.name, **driver.outcomes)

    await with_tenants(address, tenants, drive)


def main() -> None:
    """Read what there is to do, and do it."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--events", type=int, required=True)
    given = parser.parse_args()
    log_warnings()
    asyncio.run(serve(given.address, given.tenants, given.seed, given.events))


if __name__ == "__main__":
    main()
