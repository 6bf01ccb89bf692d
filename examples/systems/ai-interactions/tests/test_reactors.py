"""Reactors: each effect happens once, and what cannot be read is put aside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from quipu_client import AsyncClient, AsyncReactor, Expected, NewEvent, Query

from ai_interactions.consumers import reactor_of
from ai_interactions.conversation import stream_of
from ai_interactions.conversations import Conversations
from ai_interactions.events import REGULATED, DecisionKind
from ai_interactions.metrics import ProcessingMetrics
from ai_interactions.reactors import compliance, reviewers
from ai_interactions.reactors.reaction import Reaction
from ai_interactions.reviewer_inbox import InboxDirectory
from ai_interactions.status import progress
from scenario.waiting import eventually

from .samples import POLICY, STORY, TALK, decision, fact_id, start


@asynccontextmanager
async def _running(client: AsyncClient, reaction: Reaction) -> AsyncIterator[AsyncReactor]:
    reactor = reactor_of(client, reaction, ProcessingMetrics())
    running = asyncio.ensure_future(reactor.run())
    try:
        yield reactor
    finally:
        await reactor.stop()
        await running


async def _settled(client: AsyncClient, group: str) -> None:
    async def is_settled() -> bool:
        return all([it.is_caught_up async for it in progress(client) if it.name == group])

    await eventually(is_settled, f"{group} has settled everything")


async def test_reviewers_are_notified_once_however_often_the_request_comes(client: AsyncClient, tmp_path: Path) -> None:
    conversations, inbox = Conversations(client, POLICY), InboxDirectory(tmp_path / "inbox")
    for command in STORY:
        await conversations.handle(command)
    reaction = reviewers.reviewer_notifications(client, inbox)
    requests = await client.read_all(query=reaction.query).collect()
    effects = await asyncio.gather(*(reaction.handler(request) for request in requests * 3))
    assert sum(effects) <= len(requests), "a repetition is told from the first time"
    assert {it.id: it.reviewers for it in inbox.messages()} == {
        requests[0].id: ("compliance-desk", "duty-officer"),
        requests[1].id: ("service-desk",),
    }
    notified = await client.read_all(query=Query.types("ReviewersNotified")).collect()
    assert sorted(it.causation_id for it in notified) == sorted(it.id for it in requests)
    assert {it.correlation_id for it in notified} == {TALK}


async def test_a_regulated_decision_has_one_compliance_review_and_others_are_not_delivered(client: AsyncClient) -> None:
    conversations = Conversations(client, POLICY)
    await conversations.handle(start())
    for number, kind in enumerate(DecisionKind, 2):
        await conversations.handle(decision(number, 0.9, kind))
    reaction = compliance.compliance_reviews(client)
    async with _running(client, reaction) as reactor:
        await _settled(client, compliance.GROUP)
        assert (reactor.metrics.handled, reactor.metrics.skipped) == (len(REGULATED), 0)
    for regulated in await client.read_all(query=reaction.query).collect():
        assert not await reaction.handler(regulated)
    reviews = await client.read_all(query=Query.types("ComplianceReviewOpened")).collect()
    assert {it.json()["kind"] for it in reviews} == {kind.value for kind in REGULATED}
    assert len(reviews) == len({it.stream for it in reviews}) == len(REGULATED)


async def test_an_event_that_breaks_its_contract_is_parked_with_the_reason_and_others_go_on(
    client: AsyncClient, tmp_path: Path
) -> None:
    broken = NewEvent("HumanInterventionRequested", {"conversation_id": TALK}, id=fact_id(70))
    await client.append(stream_of("broken"), Expected.no_stream(), [broken])
    conversations, inbox = Conversations(client, POLICY), InboxDirectory(tmp_path / "inbox")
    await conversations.handle(start())
    await conversations.handle(decision(2, 0.1))
    async with _running(client, reviewers.reviewer_notifications(client, inbox)):
        await _settled(client, reviewers.GROUP)
    parked = [it async for it in client.consumers.list_parked(reviewers.GROUP)]
    assert [(it.event.id, it.tries) for it in parked] == [(fact_id(70), 1)]
    assert "request_id: Field required" in parked[0].reason
    assert len(inbox.messages()) == 1


async def test_a_gateway_that_fails_is_tried_again(client: AsyncClient, tmp_path: Path) -> None:
    conversations, inbox = Conversations(client, POLICY), InboxDirectory(tmp_path / "inbox")
    (tmp_path / "inbox").rmdir()
    await conversations.handle(start())
    await conversations.handle(decision(2, 0.1))
    async with _running(client, reviewers.reviewer_notifications(client, inbox)) as reactor:

        async def has_failed() -> bool:
            return reactor.metrics.failed > 0

        await eventually(has_failed, "the handler has failed")
        (tmp_path / "inbox").mkdir()
        await _settled(client, reviewers.GROUP)
    assert len(inbox.messages()) == 1
