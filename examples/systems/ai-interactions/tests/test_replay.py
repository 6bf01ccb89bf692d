"""Looking back: one conversation, and everything, as they were."""

from __future__ import annotations

from datetime import timedelta

from quipu_client import AsyncClient

from ai_interactions.consumers import projector_of
from ai_interactions.conversation import Conversation, fold, stream_of
from ai_interactions.conversations import Conversations
from ai_interactions.metrics import ProcessingMetrics
from ai_interactions.projections import PROJECTIONS
from ai_interactions.reactors.compliance import compliance_reviews
from ai_interactions.replay import as_happened_by, as_known_at, documents_at, position_at, story_of
from scenario.checks import differences
from scenario.expected import expected_documents, facts_of

from .samples import POLICY, STORY, TALK, decision, minute, play, start, tool


async def test_the_story_of_a_conversation_is_all_that_belongs_to_it_in_order(client: AsyncClient) -> None:
    conversations = Conversations(client, POLICY)
    await conversations.handle(start(100, talk="other"))
    for command in STORY:
        await conversations.handle(command)
        await conversations.handle(tool(100 + int(command.id[-2:], 16), talk="other"))
    reaction = compliance_reviews(client)
    regulated = await client.read_all(query=reaction.query).collect()
    await reaction.handler(regulated[0])
    story = await story_of(client, TALK)
    assert [event.type for event in story] == [*(it.type for it in play(STORY)[1]), "ComplianceReviewOpened"]
    assert [event.position for event in story] == sorted(event.position for event in story)


async def test_a_conversation_is_replayed_to_any_point_in_time(client: AsyncClient) -> None:
    conversations = Conversations(client, POLICY)
    for command in STORY:
        await conversations.handle(command)
    log = await client.read_stream(stream_of(TALK)).collect()
    assert await as_known_at(client, TALK, log[0].recorded_at - timedelta(seconds=1)) == Conversation()
    for moment in log:
        state = Conversation()
        for event in log:
            if event.recorded_at <= moment.recorded_at:
                state = fold(state, event)
        assert await as_known_at(client, TALK, moment.recorded_at) == state
    assert await as_known_at(client, TALK, log[-1].recorded_at) == (await conversations.load(TALK)).state


async def test_what_had_happened_by_a_time_may_become_known_later(client: AsyncClient) -> None:
    conversations = Conversations(client, POLICY)
    for command in (start(1), decision(9, 0.9), tool(2)):
        await conversations.handle(command)
    assert await as_happened_by(client, TALK, minute(0)) == Conversation()
    by_noon = await as_happened_by(client, TALK, minute(5))
    assert by_noon == play([start(1), tool(2)])[0]
    assert await as_known_at(client, TALK, minute(5)) == Conversation(), "nothing was recorded by then"


async def test_read_models_are_replayed_to_any_point_in_time(client: AsyncClient) -> None:
    conversations = Conversations(client, POLICY)
    for command in STORY:
        await conversations.handle(command)
    log = await client.read_all().collect()
    for moment in log:
        known = [event for event in log if event.recorded_at <= moment.recorded_at]
        assert await position_at(client, moment.recorded_at) == known[-1].position
        actual = {
            (model, *key): document
            for model, projection in PROJECTIONS.items()
            for key, document in (await documents_at(client, projection, moment.recorded_at)).all().items()
        }
        assert differences(actual, expected_documents(facts_of(known))) == []
    assert await position_at(client, log[0].recorded_at - timedelta(seconds=1)) == 0


async def test_a_rebuilt_read_model_is_a_new_generation_with_the_same_documents(client: AsyncClient) -> None:
    conversations = Conversations(client, POLICY)
    for command in STORY:
        await conversations.handle(command)
    expected = expected_documents(facts_of(await client.read_all().collect()))
    for generation in (1, 2):
        for model, projection in PROJECTIONS.items():
            assert await projector_of(client, projection, ProcessingMetrics()).rebuild() == generation
            made = {(model, it.type, it.id): it.json() async for it in client.read_models.list(model)}
            assert differences(made, {key: it for key, it in expected.items() if key[0] == model}) == []
