"""The read model `tool-usage`: one document per tool, and one per tool and day."""

from __future__ import annotations

from typing import Any

from quipu_client import RecordedEvent

from ..contracts import read_as
from ..events import ToolExecuted
from .documents import Documents
from .projection import Projection, change, happened_at

TOOL_USAGE = Projection("tool-usage")


def _initial() -> dict[str, Any]:
    return {
        "executions": 0,
        "failures": 0,
        "success_rate": None,
        "microseconds": 0,
        "slowest_microseconds": 0,
        "mean_seconds": None,
    }


@TOOL_USAGE.on(ToolExecuted)
async def _executed(event: RecordedEvent, documents: Documents) -> bool:
    executed = read_as(ToolExecuted, event)
    microseconds = round(executed.seconds * 1_000_000)

    def apply(usage: dict[str, Any]) -> None:
        usage["executions"] += 1
        usage["failures"] += not executed.success
        usage["success_rate"] = round(1 - usage["failures"] / usage["executions"], 4)
        usage["microseconds"] += microseconds
        usage["slowest_microseconds"] = max(usage["slowest_microseconds"], microseconds)
        usage["mean_seconds"] = round(usage["microseconds"] / usage["executions"] / 1_000_000, 6)

    day = happened_at(event).date().isoformat()
    of_tool = await change(documents, ("tool", executed.tool), event, _initial, apply)
    of_day = await change(documents, ("tool-day", f"{executed.tool}/{day}"), event, _initial, apply)
    return of_tool or of_day
