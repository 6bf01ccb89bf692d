"""Contracts: what keeps none is neither appended nor read."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError
from quipu_client import RecordedEvent

from ai_interactions.contracts import CONTRACTS, ContractViolation, derived_id, propose, read, read_as
from ai_interactions.events import (
    AIDecisionMade,
    ComplianceReviewOpened,
    ConversationStarted,
    DecisionKind,
    Factor,
    ToolExecuted,
)

from .samples import STORY, fact_id, play


def _recorded(event_type: str) -> RecordedEvent:
    return next(event for event in play(STORY)[1] if event.type == event_type)


def _with(event: RecordedEvent, **fields: Any) -> RecordedEvent:
    return replace(event, data=json.dumps({**event.json(), **fields}).encode())


def test_every_type_of_event_has_a_contract() -> None:
    assert [name for name, _ in CONTRACTS] == [
        "ConversationStarted",
        "AIDecisionMade",
        "ToolExecuted",
        "HumanInterventionRequested",
        "HumanOverride",
        "ComplianceReviewOpened",
        "ReviewersNotified",
    ]


def test_what_is_proposed_reads_back_the_same() -> None:
    for event in play(STORY)[1]:
        payload = read(event)
        again = propose(payload, event.id, at=event.occurred_at, caused_by=event.causation_id, tags=event.tags)
        assert (again.data, again.type, again.correlation_id) == (event.data, event.type, "7")


@pytest.mark.parametrize(
    ("event_type", "fields", "fault"),
    [
        ("AIDecisionMade", {"confidence": 1.01}, "confidence"),
        ("AIDecisionMade", {"confidence": "0.9"}, "confidence"),
        ("AIDecisionMade", {"kind": "horoscope"}, "kind"),
        ("AIDecisionMade", {"factors": []}, "factors"),
        ("AIDecisionMade", {"alternatives": [{"outcome": "approve", "confidence": 0.1}]}, "another outcome"),
        ("ToolExecuted", {"seconds": -1}, "seconds"),
        ("ToolExecuted", {"success": 1}, "success"),
        ("ConversationStarted", {"channel": "pigeon"}, "channel"),
        ("ConversationStarted", {"surprise": 1}, "surprise"),
        ("HumanOverride", {"decision_id": "7"}, "decision_id"),
    ],
)
def test_an_event_that_breaks_its_contract_is_not_read(event_type: str, fields: dict[str, Any], fault: str) -> None:
    with pytest.raises(ContractViolation, match=fault):
        read(_with(_recorded(event_type), **fields))


def test_what_nobody_has_a_contract_for_is_not_read() -> None:
    started = _recorded("ConversationStarted")
    with pytest.raises(ContractViolation, match="version 9"):
        read(replace(started, schema_version="9"))
    with pytest.raises(ContractViolation, match="no contract"):
        read(replace(started, type="ConversationMused"))
    with pytest.raises(ContractViolation, match="is not ToolExecuted"):
        read_as(ToolExecuted, started)


def test_what_breaks_its_contract_is_not_proposed() -> None:
    with pytest.raises(ValidationError):
        AIDecisionMade(
            conversation_id="7",
            decision_id=fact_id(1),
            kind=DecisionKind.FEE_WAIVER,
            outcome="approve",
            confidence=2.0,
            factors=(Factor(name="history", weight=1),),
            alternatives=(),
        )
    unchecked = ConversationStarted.model_construct(
        conversation_id="7", customer_id="c001", channel="chat", assistant=""
    )
    with pytest.raises(ContractViolation, match="assistant"):
        propose(unchecked, fact_id(1))


def test_only_a_regulated_decision_has_a_compliance_review() -> None:
    with pytest.raises(ValidationError, match="not regulated"):
        ComplianceReviewOpened(
            conversation_id="7",
            review_id=fact_id(1),
            decision_id=fact_id(2),
            kind=DecisionKind.FEE_WAIVER,
            outcome="approve",
            confidence=0.9,
        )


def test_derived_ids_are_the_same_each_time_and_differ_by_what_they_are_for() -> None:
    assert derived_id(fact_id(1), "request") == derived_id(fact_id(1), "request")
    assert len({derived_id(fact_id(n), what) for n in (1, 2) for what in ("request", "review")}) == 4
