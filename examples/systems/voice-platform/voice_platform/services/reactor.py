"""The process that does what events of each tenant lead to: `reactor REACTION --outbox DIRECTORY`."""

from __future__ import annotations

import asyncio
from pathlib import Path

from quipu_client import AsyncReactor

from ..outbox import Outbox
from ..reactions import REACTIONS
from ..reactions.surroundings import Surroundings, reactor_of
from ..tenancy import Tenant
from .process import arguments, log_warnings, on_sigterm, with_tenants


async def serve(address: str, tenants: list[str], reaction: str, outbox: Path) -> None:
    """React until SIGTERM."""
    reactors: list[AsyncReactor] = []

    async def stop() -> None:
        await asyncio.gather(*(reactor.stop() for reactor in reactors))

    async def react(tenant: Tenant) -> None:
        surroundings = Surroundings(tenant, Outbox(outbox / tenant.name))
        reactor = reactor_of(REACTIONS[reaction], surroundings)
        reactors.append(reactor)
        await reactor.run()

    on_sigterm(stop)
    await with_tenants(address, tenants, react)


def main() -> None:
    """Read what there is to do, and do it."""
    parser = arguments(__doc__ or "")
    parser.add_argument("reaction", choices=sorted(REACTIONS))
    parser.add_argument("--outbox", type=Path, required=True, help="where notices for people are left")
    given = parser.parse_args()
    log_warnings()
    asyncio.run(serve(given.address, given.tenants, given.reaction, given.outbox))


if __name__ == "__main__":
    main()
