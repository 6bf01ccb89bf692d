"""The rules of a conversation."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ai_interactions.contracts import read_as
from ai_interactions.conversation import Conversation
from ai_interactions.deciding import Refused, decide
from ai_interactions.events import REGULATED, AIDecisionMade, DecisionKind, HumanInterventionRequested, HumanOverride

from .samples import POLICY, STORY, TALK, decision, fact_id, minute, override, play, record, start, tool


def test_a_decision_under_the_threshold_has_a_person_asked_before_it_in_the_same_append() -> None:
    state, _ = play([start()])
    requested, made = record(decide(state, decision(2, 0.7499), POLICY))
    asked = read_as(HumanInterventionRequested, requested)
    assert (asked.decision_id, asked.decision_kind) == (fact_id(2), DecisionKind.FEE_WAIVER)
    assert (requested.causation_id, requested.correlation_id) == (fact_id(2), TALK)
    assert read_as(AIDecisionMade, made).confidence == 0.7499


def test_a_decision_at_the_threshold_stands_alone() -> None:
    state, _ = play([start()])
    assert [it.type for it in decide(state, decision(2, 0.75), POLICY)] == ["AIDecisionMade"]


@pytest.mark.parametrize("kind", list(DecisionKind))
def test_regulated_decisions_need_more_confidence(kind: DecisionKind) -> None:
    state, _ = play([start()])
    events = decide(state, decision(2, 0.8, kind), POLICY)
    assert len(events) == (2 if kind in REGULATED else 1)


def test_a_command_that_was_done_is_not_done_again() -> None:
    state, log = play(STORY)
    assert [event for command in STORY for event in decide(state, command, POLICY)] == []
    assert play([*STORY, *STORY])[1] == log


def test_a_command_leads_to_the_same_events_whenever_it_is_decided() -> None:
    state, _ = play([start()])
    later, _ = play([start(), tool(5)])
    assert decide(state, decision(2, 0.5), POLICY) == decide(later, decision(2, 0.5), POLICY)


def test_an_override_says_what_held_before_and_ends_the_wait_for_a_person() -> None:
    state, log = play(STORY)
    says = read_as(HumanOverride, log[-1])
    assert (says.original_outcome, says.outcome, says.reviewer) == ("approve", "deny", "ines")
    assert log[-1].causation_id == fact_id(4)
    assert state.decisions[fact_id(4)].final_outcome == "deny"
    assert state.decisions[fact_id(3)].final_outcome == "approve"
    assert list(state.waiting.values()) == [None]


def test_what_must_not_be_is_refused() -> None:
    state, _ = play(STORY)
    with pytest.raises(Refused, match="has not been started"):
        decide(Conversation(), tool(9), POLICY)
    with pytest.raises(Refused, match="has been started"):
        decide(state, start(9), POLICY)
    with pytest.raises(Refused, match="no decision"):
        decide(state, override(9, of=99), POLICY)
    with pytest.raises(Refused, match="has been overridden"):
        decide(state, override(9, of=4, outcome="defer"), POLICY)
    with pytest.raises(Refused, match="is approve already"):
        decide(state, override(9, of=3, outcome="approve"), POLICY)
    with pytest.raises(Refused, match="was made only at"):
        decide(state, replace(override(9, of=3), at=minute(2)), POLICY)


def test_a_state_comes_back_from_a_snapshot_as_it_was() -> None:
    state, _ = play(STORY)
    assert Conversation.model_validate_json(state.model_dump_json()) == state
