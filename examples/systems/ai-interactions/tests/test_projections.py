"""Projections: what they make of a conversation, and that an event counts once."""

from __future__ import annotations

from quipu_client import RecordedEvent

from ai_interactions.contracts import derived_id, propose
from ai_interactions.events import ComplianceReviewOpened, DecisionKind, ReviewersNotified
from ai_interactions.projections import PROJECTIONS, MemoryDocuments
from scenario.checks import differences
from scenario.expected import Documents, expected_documents, facts_of

from .samples import STORY, TALK, fact_id, play, record


def _log() -> list[RecordedEvent]:
    _, log = play(STORY)
    request = derived_id(fact_id(4), "request")
    reactions = [
        ReviewersNotified(
            conversation_id=TALK, notification_id=fact_id(90), request_id=request, reviewers=("duty-officer",)
        ),
        ComplianceReviewOpened(
            conversation_id=TALK,
            review_id=fact_id(91),
            decision_id=fact_id(4),
            kind=DecisionKind.LOAN_APPROVAL,
            outcome="approve",
            confidence=0.6,
        ),
    ]
    return [*log, *record((propose(it, fact_id(90 + n)) for n, it in enumerate(reactions)), len(log))]


async def _project(log: list[RecordedEvent]) -> Documents:
    made: Documents = {}
    for model, projection in PROJECTIONS.items():
        documents = MemoryDocuments()
        for event in log:
            await projection.apply(event, documents)
        made.update({(model, *key): document for key, document in documents.all().items()})
    return made


async def test_a_conversation_is_one_document() -> None:
    document = (await _project(_log()))["conversations", "conversation", TALK]
    request = derived_id(fact_id(4), "request")
    assert (document["customer_id"], document["channel"], document["events"]) == ("c001", "chat", 10)
    assert document["decisions"][fact_id(4)] == {
        "kind": "loan_approval",
        "decided": "approve",
        "confidence": 0.6,
        "holds": "deny",
        "overridden_by": "ines",
    }
    assert document["tools"] == {"executed": 2, "failed": 1}
    assert document["interventions"][request]["resolved"] is True
    assert document["interventions"][request]["notified"] == ["duty-officer"]
    assert document["needs_person"] is True, "the customer still waits"
    assert document["reviews"] == {fact_id(91): fact_id(4)}


async def test_a_day_is_one_document() -> None:
    day = (await _project(_log()))["daily-analytics", "day", "2026-03-02"]
    assert (day["conversations"], day["channels"], day["decisions"]) == (1, {"chat": 1}, 2)
    assert (day["average_confidence"], day["interventions"], day["unsure_decisions"]) == (0.75, 2, 1)
    assert (day["overrides"], day["tools"], day["tool_failures"], day["tool_microseconds"]) == (1, 2, 1, 1_750_000)


async def test_a_tool_is_one_document_and_one_for_each_day() -> None:
    made = await _project(_log())
    usage = made["tool-usage", "tool", "ledger"]
    assert (usage["executions"], usage["failures"], usage["success_rate"]) == (2, 1, 0.5)
    assert (usage["mean_seconds"], usage["slowest_microseconds"]) == (0.875, 1_500_000)
    assert made["tool-usage", "tool-day", "ledger/2026-03-02"] == usage


async def test_events_that_come_again_change_nothing() -> None:
    log = _log()
    once = await _project(log)
    assert await _project([*log, *log]) == once
    assert await _project([event for event in log for _ in range(2)]) == once


async def test_the_plain_fold_of_the_scenario_comes_to_the_same() -> None:
    log = _log()
    for until in range(1, len(log) + 1):
        assert differences(await _project(log[:until]), expected_documents(facts_of(log[:until]))) == []
