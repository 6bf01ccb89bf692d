"""Tells reviewers that a person is asked for.

The message carries the id of the request, by which the inbox recognises a repetition; then the fact that it was sent
is recorded, in a stream of that id which must not exist yet. Whatever kills the reactor in between, both happen once.
"""

from __future__ import annotations

import asyncio

from quipu_client import AsyncClient, Expected, Query, RecordedEvent

from ..contracts import derived_id, propose
from ..events import REGULATED, DecisionKind, HumanInterventionRequested, ReviewersNotified
from ..reviewer_inbox import Message, ReviewerInbox
from .reaction import Reaction, read_or_park

GROUP = "reviewer-notifications"


def reviewers_for(kind: DecisionKind | None) -> tuple[str, ...]:
    """Who is to look at a decision of this kind; without one, at the conversation."""
    if kind is None:
        return ("service-desk",)
    return ("compliance-desk", "duty-officer") if kind in REGULATED else ("duty-officer",)


def stream_of(notification_id: str) -> str:
    """The stream that a notification is."""
    return f"notification-{notification_id}"


def reviewer_notifications(client: AsyncClient, inbox: ReviewerInbox) -> Reaction:
    """Notify the reviewers of each request for a person."""

    async def notify(event: RecordedEvent) -> bool:
        request = read_or_park(HumanInterventionRequested, event)
        reviewers = reviewers_for(request.decision_kind)
        message = Message(event.id, request.conversation_id, reviewers, request.reason)
        is_new = await asyncio.to_thread(inbox.deliver, message)
        notification_id = derived_id(event.id, "notification")
        # Nothing in it may differ from one try to the next: no time of day, no random id.
        notified = ReviewersNotified(
            conversation_id=request.conversation_id,
            notification_id=notification_id,
            request_id=request.request_id,
            reviewers=reviewers,
        )
        recorded = propose(notified, notification_id, caused_by=event.id)
        appended = await client.append(stream_of(notification_id), Expected.no_stream(), [recorded])
        return is_new and not appended.deduplicated

    event_type = HumanInterventionRequested.event_type
    return Reaction(GROUP, event_type, Query.types(event_type), notify)
