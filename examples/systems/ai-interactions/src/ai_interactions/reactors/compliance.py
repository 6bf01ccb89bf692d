"""Opens a compliance review for each regulated decision.

The review is a stream of its own, whose id and first event are derived from the decision, and which must not exist
yet: a repetition is recognised by the store and changes nothing.
"""

from __future__ import annotations

from quipu_client import AsyncClient, Expected, Query, QueryItem, RecordedEvent, Skip

from ..contracts import derived_id, propose
from ..events import REGULATED, AIDecisionMade, ComplianceReviewOpened
from .reaction import Reaction, read_or_park

GROUP = "compliance-reviews"


def stream_of(review_id: str) -> str:
    """The stream that a compliance review is."""
    return f"compliance_review-{review_id}"


def compliance_reviews(client: AsyncClient) -> Reaction:
    """Open a review for each decision of a regulated kind. Others are not even delivered: the store selects by tag."""

    async def open_review(event: RecordedEvent) -> bool:
        made = read_or_park(AIDecisionMade, event)
        if made.kind not in REGULATED:
            raise Skip(f"{made.kind.value} is not regulated")
        review_id = derived_id(event.id, "compliance-review")
        # Nothing in it may differ from one try to the next: no time of day, no random id.
        opened = ComplianceReviewOpened(
            conversation_id=made.conversation_id,
            review_id=review_id,
            decision_id=made.decision_id,
            kind=made.kind,
            outcome=made.outcome,
            confidence=made.confidence,
        )
        tags = [f"decision:{made.kind.value}"]
        recorded = propose(opened, review_id, caused_by=event.id, tags=tags)
        appended = await client.append(stream_of(review_id), Expected.no_stream(), [recorded])
        return not appended.deduplicated

    event_type = AIDecisionMade.event_type
    kinds = sorted(kind.value for kind in REGULATED)
    query = Query(*(QueryItem(types=[event_type], tags=[f"decision:{kind}"]) for kind in kinds))
    return Reaction(GROUP, event_type, query, open_review)
