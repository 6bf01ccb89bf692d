"""The process that makes a read model of each tenant, or makes it again from zero: `projector MODEL [--rebuild]`."""

from __future__ import annotations

import asyncio

from quipu_client import AsyncProjector

from ..projections import PROJECTIONS
from ..projections.documents import projector_of
from ..tenancy import Tenant
from .process import arguments, log_warnings, on_sigterm, say, with_tenants


async def serve(address: str, tenants: list[str], model: str, *, is_rebuild: bool) -> None:
    """Project until SIGTERM, or rebuild once."""
    projectors: list[AsyncProjector] = []

    async def stop() -> None:
        await asyncio.gather(*(projector.stop() for projector in projectors))

    async def project(tenant: Tenant) -> None:
        projector = projector_of(PROJECTIONS[model], tenant)
        projectors.append(projector)
        if is_rebuild:
            say("rebuilt", tenant=tenant.name, model=model, generation=await projector.rebuild())
        else:
            await projector.run()

    on_sigterm(stop)
    await with_tenants(address, tenants, project)


def main() -> None:
    """Read what there is to do, and do it."""
    parser = arguments(__doc__ or "")
    parser.add_argument("model", choices=sorted(PROJECTIONS))
    parser.add_argument("--rebuild", action="store_true", help="into a new generation, which is then shown to readers")
    given = parser.parse_args()
    log_warnings()
    asyncio.run(serve(given.address, given.tenants, given.model, is_rebuild=given.rebuild))


if __name__ == "__main__":
    main()
