from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest

from voice_platform.domain import agents, assistants, calls
from voice_platform.domain.contracts import ContractViolation, contracts, decode
from voice_platform.domain.kinds import KINDS
from voice_platform.envelope import Context

CONTEXT = Context("north", "tester", "call-1", "command-1", datetime(2026, 1, 5, tzinfo=UTC))


def test_there_are_46_types_of_events_in_seven_categories() -> None:
    by_category: dict[str, int] = {}
    for contract in contracts().values():
        by_category[contract.category] = by_category.get(contract.category, 0) + 1
    assert by_category == {
        "call": 10,
        "customer": 6,
        "agent": 6,
        "ai": 7,
        "payment": 5,
        "credit": 7,
        "security": 5,
    }
    assert by_category.keys() == KINDS.keys()


def test_whatever_an_event_says_is_part_of_the_state_of_its_aggregate() -> None:
    for contract in contracts().values():
        state = KINDS[contract.category].state()
        said = {field.name for field in fields(contract)}  # type: ignore[arg-type]
        assert said <= {field.name for field in fields(state)}, contract.__name__


def test_a_payload_comes_back_as_it_was() -> None:
    payload = assistants.AiIntentDetected(intent="order", confidence=1)
    assert decode("AiIntentDetected", "1", payload.document()) == payload


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({"agent": 3, "status": "active"}, "agent: int is not"),
        ({"agent": "", "status": "active"}, "agent: str is not"),
        ({"agent": "3", "status": "ended"}, "status"),
        ({"status": "active"}, "agent is missing"),
        ({"agent": "3", "status": "active", "mood": "good"}, "unknown mood"),
        (["agent"], "not an object"),
    ],
)
def test_a_stored_payload_that_breaks_its_contract_is_refused_on_read(document: Any, why: str) -> None:
    with pytest.raises(ContractViolation, match=why):
        decode("CallAnswered", "1", document)


def test_a_type_or_version_without_a_contract_is_refused_on_read() -> None:
    with pytest.raises(ContractViolation, match="no contract for CallForgotten"):
        decode("CallForgotten", "1", {})
    with pytest.raises(ContractViolation, match="version 7"):
        decode("CallResumed", "7", {"status": "active"})


def test_a_payload_that_breaks_its_contract_is_refused_before_the_append() -> None:
    with pytest.raises(ContractViolation, match=r"CallHeld\.holds: bool"):
        CONTEXT.event("call-1", calls.CallHeld(holds=True))
    with pytest.raises(ContractViolation, match=r"AgentSkillsChanged\.skills"):
        CONTEXT.event("agent-1", agents.AgentSkillsChanged(skills={"sales": "high"}))  # type: ignore[dict-item]


def test_an_event_goes_only_into_a_stream_of_its_category() -> None:
    with pytest.raises(ContractViolation, match="does not belong into agent-1"):
        CONTEXT.event("agent-1", calls.CallResumed())


def test_an_event_has_version_metadata_correlation_and_causation() -> None:
    event = CONTEXT.event("call-1", calls.CallResumed())
    assert (event.type, event.schema_version, event.metadata) == (
        "CallResumed",
        "1",
        {"tenant": "north", "actor": "tester"},
    )
    assert (event.correlation_id, event.causation_id, event.tags) == ("call-1", "command-1", ("cause:command-1",))
