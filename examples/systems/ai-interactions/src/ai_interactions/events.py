"""What happens: the types of events with their payloads.

Owns one contract per type: its fields, what they may hold, and the version of that shape. Five types are of a
conversation, the last two are appended by reactors. How payloads become events and back is in `contracts.py`.

The id of a fact, such as a decision, is the id of the event that records it.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, model_validator

Name: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Text: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=4000)]
FactId: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
"""A UUID in lower case: the id of the event that records the fact."""
Confidence: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Channel: TypeAlias = Literal["branch", "chat", "email", "phone"]


class DecisionKind(str, Enum):
    """What is decided on."""

    ACCOUNT_CLOSURE = "account_closure"
    CARD_REPLACEMENT = "card_replacement"
    CREDIT_LIMIT_CHANGE = "credit_limit_change"
    FEE_WAIVER = "fee_waiver"
    LARGE_TRANSFER = "large_transfer"
    LOAN_APPROVAL = "loan_approval"
    SUSPICIOUS_ACTIVITY_REPORT = "suspicious_activity_report"


REGULATED = frozenset(
    {
        DecisionKind.ACCOUNT_CLOSURE,
        DecisionKind.LARGE_TRANSFER,
        DecisionKind.LOAN_APPROVAL,
        DecisionKind.SUSPICIOUS_ACTIVITY_REPORT,
    }
)
"""The kinds of decisions that the law wants reviewed, whoever made them."""


class Part(BaseModel):
    """A value that payloads are made of. Unknown fields are refused, and nothing is converted silently."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Payload(Part):
    """What an event says. Each type of event has one class for each version of its shape."""

    event_type: ClassVar[str]
    schema_version: ClassVar[str] = "1"

    conversation_id: Name


class ConversationStarted(Payload):
    """A customer began to talk with an assistant."""

    event_type: ClassVar[str] = "ConversationStarted"

    customer_id: Name
    channel: Channel
    assistant: Name
    """The model that answers, with its version."""


class Factor(Part):
    """What spoke for a decision, or against it when the weight is negative."""

    name: Name
    weight: Annotated[float, Field(ge=-1, le=1)]


class Alternative(Part):
    """What could have been decided instead."""

    outcome: Name
    confidence: Confidence


class AIDecisionMade(Payload):
    """The assistant decided."""

    event_type: ClassVar[str] = "AIDecisionMade"

    decision_id: FactId
    kind: DecisionKind
    outcome: Name
    confidence: Confidence
    factors: Annotated[tuple[Factor, ...], Field(min_length=1)]
    alternatives: tuple[Alternative, ...]

    @model_validator(mode="after")
    def _alternatives_differ(self) -> AIDecisionMade:
        if any(alternative.outcome == self.outcome for alternative in self.alternatives):
            raise ValueError("an alternative is another outcome than the one decided for")
        return self


class ToolExecuted(Payload):
    """The assistant used a tool."""

    event_type: ClassVar[str] = "ToolExecuted"

    execution_id: FactId
    tool: Name
    parameters: dict[str, JsonValue]
    result: JsonValue
    seconds: Annotated[float, Field(ge=0)]
    success: bool


class HumanInterventionRequested(Payload):
    """A person is to look at it: at a decision that the assistant is not sure of, or at the conversation."""

    event_type: ClassVar[str] = "HumanInterventionRequested"

    request_id: FactId
    reason: Text
    decision_id: FactId | None = None
    decision_kind: DecisionKind | None = None


class HumanOverride(Payload):
    """A person decided otherwise than the assistant had."""

    event_type: ClassVar[str] = "HumanOverride"

    override_id: FactId
    decision_id: FactId
    reviewer: Name
    original_outcome: Name
    outcome: Name
    reason: Text


class ComplianceReviewOpened(Payload):
    """The compliance department has to review a regulated decision. Recorded by a reactor."""

    event_type: ClassVar[str] = "ComplianceReviewOpened"

    review_id: FactId
    decision_id: FactId
    kind: DecisionKind
    outcome: Name
    confidence: Confidence

    @model_validator(mode="after")
    def _is_regulated(self) -> ComplianceReviewOpened:
        if self.kind not in REGULATED:
            raise ValueError(f"{self.kind.value} is not regulated")
        return self


class ReviewersNotified(Payload):
    """Reviewers were told of a request for a person. Recorded by a reactor."""

    event_type: ClassVar[str] = "ReviewersNotified"

    notification_id: FactId
    request_id: FactId
    reviewers: Annotated[tuple[Name, ...], Field(min_length=1)]
