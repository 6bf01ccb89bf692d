"""What is asked of a conversation.

A command has an id, which becomes the id of the fact that it leads to: the same command again changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from .events import Alternative, Channel, DecisionKind, Factor


@dataclass(frozen=True)
class Command:
    """What all commands have."""

    conversation_id: str
    id: str
    """A UUID in lower case."""
    at: datetime
    """When it happened in the world; with a zone."""


@dataclass(frozen=True)
class StartConversation(Command):
    """A customer begins to talk with an assistant."""

    customer_id: str
    channel: Channel
    assistant: str


@dataclass(frozen=True)
class RecordDecision(Command):
    """The assistant has decided."""

    kind: DecisionKind
    outcome: str
    confidence: float
    factors: tuple[Factor, ...]
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True)
class RecordTool(Command):
    """The assistant has used a tool."""

    tool: str
    parameters: dict[str, JsonValue]
    result: JsonValue
    seconds: float
    success: bool


@dataclass(frozen=True)
class RequestPerson(Command):
    """The customer, or the assistant, wants a person to take part."""

    reason: str


@dataclass(frozen=True)
class OverrideDecision(Command):
    """A person decides otherwise."""

    decision_id: str
    reviewer: str
    outcome: str
    reason: str
