"""The operator's window, as the process that it is."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import Any

from scenario.processes import Server
from voice_platform.domain import calls
from voice_platform.projections import ACTIVITY
from voice_platform.projections.documents import projector_of
from voice_platform.tenancy import Tenant

from .conftest import Tenants
from .test_promises import answered_call, taken_in


def ask(server: Server, tenant: Tenant, *question: str) -> Any:
    console = [sys.executable, "-m", "voice_platform.services.console"]
    whom = ["--address", server.address, "--tenant", tenant.name]
    asked = subprocess.run([*console, *whom, *question], check=True, capture_output=True, text=True)
    answer = json.loads(asked.stdout)
    assert answer["tenant"] == tenant.name
    return answer[question[0]]


def test_the_console_answers_what_an_operator_asks(server: Server, tenants: Tenants) -> None:
    async def told() -> None:
        async with taken_in(tenants) as tenant:
            await answered_call(tenant, "7", holds=1)
            await projector_of(ACTIVITY, tenant).rebuild()

            async def asked(*question: str) -> Any:
                return await asyncio.to_thread(ask, server, tenant, *question)

            assert await asked("snapshot", "call-7") == {"sequence": 4}
            state = await asked("state", "call-7")
            assert (state["sequence"], state["snapshot_sequence"], state["state"]["status"]) == (4, 4, "active")
            part = await asked("events", "call-7", "2", "3")
            assert [(it["sequence"], it["type"], it["version"]) for it in part] == [
                (2, "CallAnswered", "1"),
                (3, "CallHeld", "1"),
            ]
            assert part[0]["metadata"] == {"tenant": tenant.name, "actor": "tester"}
            conversation = await asked("conversation", calls.KIND.stream("7"))
            assert [it["causation_id"] for it in conversation][:2] == ["start call-7", "answer call-7"]
            assert await asked("check") == {"aggregates": 1, "events": 4, "faults": []}
            assert await asked("types") == ["CallAnswered", "CallHeld", "CallResumed", "CallStarted"]
            statistics = await asked("statistics")
            assert statistics["by_date_and_aggregate_type"] == {"2026-01-05 call": 4}
            assert (await asked("metrics"))["read_model_lag"]["activity"]["events"] == 0

    asyncio.run(told())
