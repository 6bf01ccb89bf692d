"""Commands and events for tests: one conversation in a few words."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone

from quipu_client import NewEvent, RecordedEvent

from ai_interactions.commands import (
    Command,
    OverrideDecision,
    RecordDecision,
    RecordTool,
    RequestPerson,
    StartConversation,
)
from ai_interactions.conversation import Conversation, fold, stream_of
from ai_interactions.deciding import decide
from ai_interactions.events import Alternative, DecisionKind, Factor
from ai_interactions.review_policy import ReviewPolicy

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=timezone.utc)
POLICY = ReviewPolicy(threshold=0.75, regulated_threshold=0.85)
TALK = "7"


def minute(number: int) -> datetime:
    """So many minutes after noon."""
    return NOON + timedelta(minutes=number)


def fact_id(number: int) -> str:
    """An id that is easily told from others."""
    return str(uuid.UUID(int=number))


def start(number: int = 1, talk: str = TALK) -> StartConversation:
    """A conversation begins."""
    return StartConversation(talk, fact_id(number), minute(number), "c001", "chat", "teller-1")


def decision(
    number: int, confidence: float, kind: DecisionKind = DecisionKind.FEE_WAIVER, talk: str = TALK
) -> RecordDecision:
    """The assistant decides to approve."""
    factors = (Factor(name="history", weight=0.5),)
    alternatives = (Alternative(outcome="deny", confidence=0.1),)
    return RecordDecision(talk, fact_id(number), minute(number), kind, "approve", confidence, factors, alternatives)


def tool(number: int, *, success: bool = True, seconds: float = 0.25, talk: str = TALK) -> RecordTool:
    """The assistant uses a tool."""
    return RecordTool(talk, fact_id(number), minute(number), "ledger", {"days": 7}, {"rows": 3}, seconds, success)


def person(number: int) -> RequestPerson:
    """The customer asks for a person."""
    return RequestPerson(TALK, fact_id(number), minute(number), "the customer asks for a person")


def override(number: int, of: int, outcome: str = "deny") -> OverrideDecision:
    """A person decides otherwise."""
    return OverrideDecision(TALK, fact_id(number), minute(number), fact_id(of), "ines", outcome, "income is not proven")


STORY: tuple[Command, ...] = (
    start(1),
    tool(2),
    decision(3, 0.9),
    decision(4, 0.6, DecisionKind.LOAN_APPROVAL),
    tool(5, success=False, seconds=1.5),
    person(6),
    override(7, of=4),
)
"""One conversation in which everything happens."""


def record(events: Iterable[NewEvent], after: int = 0) -> list[RecordedEvent]:
    """Events as a store that holds nothing else would have recorded them in a conversation."""
    return [
        RecordedEvent(
            it.id,
            stream_of(TALK),
            position - 1,
            position,
            NOON + timedelta(days=30, seconds=position),
            it.type,
            it.data,
            "application/json",
            it.schema_version or "1",
            it.tags,
            dict(it.metadata),
            it.correlation_id,
            it.causation_id,
            it.occurred_at,
        )
        for position, it in enumerate(events, after + 1)
    ]


def play(commands: Iterable[Command]) -> tuple[Conversation, list[RecordedEvent]]:
    """The state and the events that commands lead to."""
    state, log = Conversation(), list[RecordedEvent]()
    for command in commands:
        for event in record(decide(state, command, POLICY), len(log)):
            state = fold(state, event)
            log.append(event)
    return state, log
