"""From a command and a state to events: the rules of a conversation.

Owns `decide`. Pure, and the same each time for the same command: it is called anew whenever somebody else was faster,
and the ids of its events are those of the first call.
"""

from __future__ import annotations

from quipu_client import NewEvent

from .commands import Command, OverrideDecision, RecordDecision, RecordTool, RequestPerson, StartConversation
from .contracts import derived_id, propose
from .conversation import Conversation
from .events import (
    AIDecisionMade,
    ConversationStarted,
    HumanInterventionRequested,
    HumanOverride,
    ToolExecuted,
)
from .review_policy import ReviewPolicy


class Refused(Exception):  # noqa: N818
    """A command asks for what must not be."""


def decide(state: Conversation, command: Command, policy: ReviewPolicy) -> list[NewEvent]:
    """The events that a command leads to; none when it has led to them already. They go in together or not at all."""
    if command.id in state.facts:
        return []
    if state.has_started == isinstance(command, StartConversation):
        has = "has" if state.has_started else "has not"
        raise Refused(f"conversation {command.conversation_id} {has} been started")
    match command:
        case StartConversation():
            return _start(command)
        case RecordDecision():
            return _record_decision(command, policy)
        case RecordTool():
            return _record_tool(command)
        case RequestPerson():
            return _request_person(command)
        case OverrideDecision():
            return _override(state, command)
    raise Refused(f"{type(command).__name__} is no command of a conversation")


def _start(command: StartConversation) -> list[NewEvent]:
    started = ConversationStarted(
        conversation_id=command.conversation_id,
        customer_id=command.customer_id,
        channel=command.channel,
        assistant=command.assistant,
    )
    return [propose(started, command.id, at=command.at, tags=[f"customer:{command.customer_id}"])]


def _record_decision(command: RecordDecision, policy: ReviewPolicy) -> list[NewEvent]:
    """The decision; before it, in the same append, the request for a person when the assistant is not sure."""
    made = AIDecisionMade(
        conversation_id=command.conversation_id,
        decision_id=command.id,
        kind=command.kind,
        outcome=command.outcome,
        confidence=command.confidence,
        factors=command.factors,
        alternatives=command.alternatives,
    )
    tags = [f"decision:{command.kind.value}"]
    decided = propose(made, command.id, at=command.at, tags=tags)
    if not policy.wants_a_person(command.kind, command.confidence):
        return [decided]
    request_id = derived_id(command.id, "request")
    requested = HumanInterventionRequested(
        conversation_id=command.conversation_id,
        request_id=request_id,
        reason=f"confidence {command.confidence:.4f} is under {policy.threshold_of(command.kind):.4f}",
        decision_id=command.id,
        decision_kind=command.kind,
    )
    return [propose(requested, request_id, at=command.at, caused_by=command.id, tags=tags), decided]


def _record_tool(command: RecordTool) -> list[NewEvent]:
    executed = ToolExecuted(
        conversation_id=command.conversation_id,
        execution_id=command.id,
        tool=command.tool,
        parameters=command.parameters,
        result=command.result,
        seconds=command.seconds,
        success=command.success,
    )
    return [propose(executed, command.id, at=command.at, tags=[f"tool:{command.tool}"])]


def _request_person(command: RequestPerson) -> list[NewEvent]:
    requested = HumanInterventionRequested(
        conversation_id=command.conversation_id, request_id=command.id, reason=command.reason
    )
    return [propose(requested, command.id, at=command.at)]


def _override(state: Conversation, command: OverrideDecision) -> list[NewEvent]:
    decision = state.decisions.get(command.decision_id)
    if decision is None:
        raise Refused(f"there is no decision {command.decision_id} in conversation {command.conversation_id}")
    if decision.overridden_to is not None:
        raise Refused(f"decision {command.decision_id} has been overridden")
    if decision.outcome == command.outcome:
        raise Refused(f"decision {command.decision_id} is {command.outcome} already")
    if command.at < decision.decided_at:
        raise Refused(f"decision {command.decision_id} was made only at {decision.decided_at.isoformat()}")
    override = HumanOverride(
        conversation_id=command.conversation_id,
        override_id=command.id,
        decision_id=command.decision_id,
        reviewer=command.reviewer,
        original_outcome=decision.outcome,
        outcome=command.outcome,
        reason=command.reason,
    )
    tags = [f"decision:{decision.kind.value}", f"reviewer:{command.reviewer}"]
    return [propose(override, command.id, at=command.at, caused_by=command.decision_id, tags=tags)]
