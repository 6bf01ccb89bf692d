"""The read model `conversations`: one document per conversation, as a case worker sees it.

It has what the assistant decided and what holds by now, what the tools did, who was asked to look at it, and which
compliance reviews were opened. The last two come from streams of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from quipu_client import RecordedEvent

from ..contracts import read_as
from ..events import (
    AIDecisionMade,
    ComplianceReviewOpened,
    ConversationStarted,
    HumanInterventionRequested,
    HumanOverride,
    ReviewersNotified,
    ToolExecuted,
)
from .documents import Documents
from .projection import Projection, change, happened_at

CONVERSATION_VIEW = Projection("conversations")


async def _change(
    documents: Documents, conversation_id: str, event: RecordedEvent, apply: Callable[[dict[str, Any]], None]
) -> bool:
    def change_and_count(document: dict[str, Any]) -> None:
        apply(document)
        document["events"] += 1
        document["needs_person"] = any(not it["resolved"] for it in document["interventions"].values())

    return await change(documents, ("conversation", conversation_id), event, _initial, change_and_count)


def _initial() -> dict[str, Any]:
    return {
        "events": 0,
        "needs_person": False,
        "decisions": {},
        "tools": {"executed": 0, "failed": 0},
        "interventions": {},
        "reviews": {},
    }


@CONVERSATION_VIEW.on(ConversationStarted)
async def _started(event: RecordedEvent, documents: Documents) -> bool:
    started = read_as(ConversationStarted, event)

    def apply(document: dict[str, Any]) -> None:
        document["customer_id"] = started.customer_id
        document["channel"] = started.channel
        document["assistant"] = started.assistant
        document["started_at"] = happened_at(event).isoformat()

    return await _change(documents, started.conversation_id, event, apply)


@CONVERSATION_VIEW.on(AIDecisionMade)
async def _decided(event: RecordedEvent, documents: Documents) -> bool:
    made = read_as(AIDecisionMade, event)

    def apply(document: dict[str, Any]) -> None:
        document["decisions"][made.decision_id] = {
            "kind": made.kind.value,
            "decided": made.outcome,
            "confidence": made.confidence,
            "holds": made.outcome,
            "overridden_by": None,
        }

    return await _change(documents, made.conversation_id, event, apply)


@CONVERSATION_VIEW.on(ToolExecuted)
async def _executed(event: RecordedEvent, documents: Documents) -> bool:
    executed = read_as(ToolExecuted, event)

    def apply(document: dict[str, Any]) -> None:
        document["tools"]["executed"] += 1
        document["tools"]["failed"] += not executed.success

    return await _change(documents, executed.conversation_id, event, apply)


@CONVERSATION_VIEW.on(HumanInterventionRequested)
async def _requested(event: RecordedEvent, documents: Documents) -> bool:
    requested = read_as(HumanInterventionRequested, event)

    def apply(document: dict[str, Any]) -> None:
        document["interventions"][requested.request_id] = {
            "decision_id": requested.decision_id,
            "reason": requested.reason,
            "notified": [],
            "resolved": False,
        }

    return await _change(documents, requested.conversation_id, event, apply)


@CONVERSATION_VIEW.on(HumanOverride)
async def _overridden(event: RecordedEvent, documents: Documents) -> bool:
    override = read_as(HumanOverride, event)

    def apply(document: dict[str, Any]) -> None:
        decision = document["decisions"][override.decision_id]
        decision["holds"], decision["overridden_by"] = override.outcome, override.reviewer
        for intervention in document["interventions"].values():
            if intervention["decision_id"] == override.decision_id:
                intervention["resolved"] = True

    return await _change(documents, override.conversation_id, event, apply)


@CONVERSATION_VIEW.on(ComplianceReviewOpened)
async def _review_opened(event: RecordedEvent, documents: Documents) -> bool:
    opened = read_as(ComplianceReviewOpened, event)

    def apply(document: dict[str, Any]) -> None:
        document["reviews"][opened.review_id] = opened.decision_id

    return await _change(documents, opened.conversation_id, event, apply)


@CONVERSATION_VIEW.on(ReviewersNotified)
async def _notified(event: RecordedEvent, documents: Documents) -> bool:
    notified = read_as(ReviewersNotified, event)

    def apply(document: dict[str, Any]) -> None:
        document["interventions"][notified.request_id]["notified"] = list(notified.reviewers)

    return await _change(documents, notified.conversation_id, event, apply)
