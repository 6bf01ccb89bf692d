"""AI assistants: what they hear and say in a call. An aggregate is the assistant of one call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .contracts import Payload
from .folding import Kind, Rejected, patched

Status = Literal["listening", "handed over", "closed"]


class AiEvent(Payload, category="ai"):
    """What happens to an assistant."""


class AiSessionOpened(AiEvent):
    """An assistant listens to a call."""

    call: str
    model: str
    status: Literal["listening"] = "listening"
    segments: Literal[0] = 0
    replies: Literal[0] = 0


class AiTranscriptRecognised(AiEvent):
    """Somebody said something."""

    segments: int
    speaker: Literal["customer", "agent"]
    text: str


class AiIntentDetected(AiEvent):
    """What the customer wants."""

    intent: str
    confidence: float


class AiSentimentMeasured(AiEvent):
    """How the customer feels, from -1 to 1."""

    sentiment: float


class AiReplySpoken(AiEvent):
    """The assistant said something."""

    replies: int
    reply: str


class AiHandoverRequested(AiEvent):
    """The assistant asks for a person."""

    why: Literal["low confidence", "bad mood", "asked for"]
    status: Literal["handed over"] = "handed over"


class AiSessionClosed(AiEvent):
    """The assistant no longer listens."""

    outcome: Literal["resolved", "handed over", "abandoned"]
    status: Literal["closed"] = "closed"


@dataclass(frozen=True)
class Assistant:
    """The state of an assistant."""

    call: str | None = None
    model: str | None = None
    status: Status | None = None
    segments: int = 0
    replies: int = 0
    speaker: str | None = None
    text: str | None = None
    intent: str | None = None
    confidence: float | None = None
    sentiment: float | None = None
    reply: str | None = None
    why: str | None = None
    outcome: str | None = None


KIND = Kind("ai", Assistant, patched)

CONFIDENCE_MIN = 0.6
"""An assistant that is less sure than this asks for a person."""
SENTIMENT_MIN = -0.5
"""So does one whose customer feels worse than this."""


def open_session(assistant: Assistant, *, call: str, model: str) -> list[Payload]:
    """Listen to a call; again, it changes nothing."""
    return [] if assistant.status else [AiSessionOpened(call=call, model=model)]


def recognise(assistant: Assistant, *, speaker: Literal["customer", "agent"], text: str) -> list[Payload]:
    """Note what was said."""
    _require_open(assistant)
    return [AiTranscriptRecognised(segments=assistant.segments + 1, speaker=speaker, text=text)]


def detect_intent(assistant: Assistant, *, intent: str, confidence: float) -> list[Payload]:
    """Note what the customer wants, and ask for a person when that is not clear: both at once or neither."""
    _require_open(assistant)
    detected = AiIntentDetected(intent=intent, confidence=confidence)
    if confidence < CONFIDENCE_MIN and assistant.status == "listening":
        return [detected, AiHandoverRequested(why="low confidence")]
    return [detected]


def measure_sentiment(assistant: Assistant, *, sentiment: float) -> list[Payload]:
    """Note how the customer feels, and ask for a person when that is bad: both at once or neither."""
    _require_open(assistant)
    measured = AiSentimentMeasured(sentiment=sentiment)
    if sentiment < SENTIMENT_MIN and assistant.status == "listening":
        return [measured, AiHandoverRequested(why="bad mood")]
    return [measured]


def reply(assistant: Assistant, *, text: str) -> list[Payload]:
    """Say something, unless a person does."""
    if assistant.status != "listening":
        raise Rejected("the assistant does not speak any more")
    return [AiReplySpoken(replies=assistant.replies + 1, reply=text)]


def hand_over(assistant: Assistant) -> list[Payload]:
    """Ask for a person since the customer did."""
    _require_open(assistant)
    return [AiHandoverRequested(why="asked for")] if assistant.status == "listening" else []


def close_session(assistant: Assistant, *, is_abandoned: bool) -> list[Payload]:
    """Stop listening."""
    _require_open(assistant)
    if is_abandoned:
        return [AiSessionClosed(outcome="abandoned")]
    return [AiSessionClosed(outcome="handed over" if assistant.status == "handed over" else "resolved")]


def _require_open(assistant: Assistant) -> None:
    if assistant.status in (None, "closed"):
        raise Rejected("the assistant does not listen")
