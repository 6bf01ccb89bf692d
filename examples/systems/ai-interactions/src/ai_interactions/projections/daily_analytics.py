"""The read model `daily-analytics`: one document per day on which something happened.

Sums are whole numbers, of basis points and microseconds, so that they do not depend on rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from quipu_client import RecordedEvent

from ..contracts import read_as
from ..events import (
    AIDecisionMade,
    ConversationStarted,
    HumanInterventionRequested,
    HumanOverride,
    ToolExecuted,
)
from .documents import Documents
from .projection import Projection, change, happened_at

DAILY_ANALYTICS = Projection("daily-analytics")


async def _change(documents: Documents, event: RecordedEvent, apply: Callable[[dict[str, Any]], None]) -> bool:
    return await change(documents, ("day", happened_at(event).date().isoformat()), event, _initial, apply)


def _initial() -> dict[str, Any]:
    return {
        "conversations": 0,
        "channels": {},
        "decisions": 0,
        "kinds": {},
        "confidence_basis_points": 0,
        "average_confidence": None,
        "interventions": 0,
        "unsure_decisions": 0,
        "overrides": 0,
        "tools": 0,
        "tool_failures": 0,
        "tool_microseconds": 0,
    }


def _count(counts: dict[str, int], name: str) -> None:
    counts[name] = counts.get(name, 0) + 1


@DAILY_ANALYTICS.on(ConversationStarted)
async def _started(event: RecordedEvent, documents: Documents) -> bool:
    started = read_as(ConversationStarted, event)

    def apply(day: dict[str, Any]) -> None:
        day["conversations"] += 1
        _count(day["channels"], started.channel)

    return await _change(documents, event, apply)


@DAILY_ANALYTICS.on(AIDecisionMade)
async def _decided(event: RecordedEvent, documents: Documents) -> bool:
    made = read_as(AIDecisionMade, event)

    def apply(day: dict[str, Any]) -> None:
        day["decisions"] += 1
        _count(day["kinds"], made.kind.value)
        day["confidence_basis_points"] += round(made.confidence * 10_000)
        day["average_confidence"] = round(day["confidence_basis_points"] / day["decisions"] / 10_000, 4)

    return await _change(documents, event, apply)


@DAILY_ANALYTICS.on(HumanInterventionRequested)
async def _requested(event: RecordedEvent, documents: Documents) -> bool:
    requested = read_as(HumanInterventionRequested, event)

    def apply(day: dict[str, Any]) -> None:
        day["interventions"] += 1
        day["unsure_decisions"] += requested.decision_id is not None

    return await _change(documents, event, apply)


@DAILY_ANALYTICS.on(HumanOverride)
async def _overridden(event: RecordedEvent, documents: Documents) -> bool:
    read_as(HumanOverride, event)

    def apply(day: dict[str, Any]) -> None:
        day["overrides"] += 1

    return await _change(documents, event, apply)


@DAILY_ANALYTICS.on(ToolExecuted)
async def _executed(event: RecordedEvent, documents: Documents) -> bool:
    executed = read_as(ToolExecuted, event)

    def apply(day: dict[str, Any]) -> None:
        day["tools"] += 1
        day["tool_failures"] += not executed.success
        day["tool_microseconds"] += round(executed.seconds * 1_000_000)

    return await _change(documents, event, apply)
