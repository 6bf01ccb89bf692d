"""The state of a conversation: what its decisions rest on.

Owns `Conversation` and the fold that makes it of the events of its stream. Pure: nothing here reads or appends.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict
from quipu_client import Fold, RecordedEvent

from .contracts import read_as
from .events import (
    AIDecisionMade,
    ConversationStarted,
    DecisionKind,
    HumanInterventionRequested,
    HumanOverride,
    ToolExecuted,
)

STATE_VERSION = "1"
"""To be changed with the fold or the state's shape: snapshots of another version are passed over."""


class Decision(BaseModel):
    """A decision of the assistant, and what became of it."""

    model_config = ConfigDict(frozen=True)

    kind: DecisionKind
    outcome: str
    decided_at: datetime
    overridden_to: str | None = None

    @property
    def final_outcome(self) -> str:
        """What holds."""
        return self.outcome if self.overridden_to is None else self.overridden_to


class Conversation(BaseModel):
    """What is known of a conversation after some of its events."""

    model_config = ConfigDict(frozen=True)

    customer_id: str | None = None
    decisions: dict[str, Decision] = {}
    waiting: dict[str, str | None] = {}
    """Requests for a person that are open, with the decision they are about."""
    facts: frozenset[str] = frozenset()
    """The ids of all that has happened."""

    @property
    def has_started(self) -> bool:
        """Whether there is such a conversation."""
        return self.customer_id is not None


def stream_of(conversation_id: str) -> str:
    """The stream that a conversation is."""
    return f"conversation-{conversation_id}"


fold: Fold[Conversation] = Fold()
"""From the state before an event to the state after it."""


def _with(state: Conversation, fact_id: str, **changes: object) -> Conversation:
    return state.model_copy(update={**changes, "facts": state.facts | {fact_id}})


@fold.on(ConversationStarted.event_type)
def _started(state: Conversation, event: RecordedEvent) -> Conversation:
    started = read_as(ConversationStarted, event)
    return _with(state, event.id, customer_id=started.customer_id)


@fold.on(AIDecisionMade.event_type)
def _decided(state: Conversation, event: RecordedEvent) -> Conversation:
    made = read_as(AIDecisionMade, event)
    decision = Decision(kind=made.kind, outcome=made.outcome, decided_at=event.occurred_at or event.recorded_at)
    return _with(state, event.id, decisions={**state.decisions, made.decision_id: decision})


@fold.on(ToolExecuted.event_type)
def _executed(state: Conversation, event: RecordedEvent) -> Conversation:
    read_as(ToolExecuted, event)
    return _with(state, event.id)


@fold.on(HumanInterventionRequested.event_type)
def _requested(state: Conversation, event: RecordedEvent) -> Conversation:
    requested = read_as(HumanInterventionRequested, event)
    return _with(state, event.id, waiting={**state.waiting, requested.request_id: requested.decision_id})


@fold.on(HumanOverride.event_type)
def _overridden(state: Conversation, event: RecordedEvent) -> Conversation:
    override = read_as(HumanOverride, event)
    decision = state.decisions[override.decision_id].model_copy(update={"overridden_to": override.outcome})
    waiting = {request: about for request, about in state.waiting.items() if about != override.decision_id}
    return _with(state, event.id, decisions={**state.decisions, override.decision_id: decision}, waiting=waiting)
