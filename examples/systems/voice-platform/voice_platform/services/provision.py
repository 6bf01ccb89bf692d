"""The process that takes tenants in, before anybody works for them: `provision`. Again, it changes nothing."""

from __future__ import annotations

import asyncio

from ..tenancy import Tenant
from .process import arguments, log_warnings, say, with_tenants


def main() -> None:
    """Take in the tenants that are named."""
    given = arguments(__doc__ or "").parse_args()
    log_warnings()

    async def take_in(tenant: Tenant) -> None:
        await tenant.prepare()
        say("taken in", tenant=tenant.name)

    asyncio.run(with_tenants(given.address, given.tenants, take_in, is_ready=False))


if __name__ == "__main__":
    main()
