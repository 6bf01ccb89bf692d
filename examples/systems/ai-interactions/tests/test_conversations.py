"""Conversations in a store: expected revisions, atomic pairs, snapshots."""

from __future__ import annotations

import asyncio

import pytest
from quipu_client import AsyncClient

from ai_interactions.conversation import stream_of
from ai_interactions.conversations import Conversations
from ai_interactions.deciding import Refused

from .samples import POLICY, STORY, TALK, decision, override, play, start, tool


async def test_a_conversation_is_what_its_commands_lead_to(client: AsyncClient) -> None:
    conversations = Conversations(client, POLICY)
    for command in STORY:
        await conversations.handle(command)
    state, log = play(STORY)
    assert (await conversations.load(TALK)).state == state
    recorded = await client.read_stream(stream_of(TALK)).collect()
    assert [(it.id, it.type, it.data, it.tags) for it in recorded] == [(it.id, it.type, it.data, it.tags) for it in log]


async def test_an_unsure_decision_and_its_request_go_in_together(client: AsyncClient) -> None:
    conversations = Conversations(client, POLICY)
    await conversations.handle(start())
    appended = (await conversations.handle(decision(2, 0.4))).appended
    assert appended is not None
    assert (appended.first_revision, appended.last_revision) == (1, 2)
    requested, made = await client.read_stream(stream_of(TALK), from_revision=1).collect()
    assert (requested.type, made.type) == ("HumanInterventionRequested", "AIDecisionMade")
    assert (requested.position + 1, requested.recorded_at) == (made.position, made.recorded_at)


async def test_of_commands_at_the_same_time_each_has_its_effect_once(client: AsyncClient) -> None:
    """Two writers of one conversation: whoever is too late decides anew on what is there by then."""
    writers = [Conversations(client, POLICY), Conversations(client, POLICY)]
    await writers[0].handle(start())
    commands = [decision(n, 0.5) for n in range(10, 20)]
    executed = await asyncio.gather(*(writer.handle(command) for command in commands for writer in writers))
    assert max(it.tries for it in executed) > 1, "nobody was too late"
    log = await client.read_stream(stream_of(TALK)).collect()
    assert len(log) == 1 + 2 * len(commands)
    assert {it.id for it in log if it.type == "AIDecisionMade"} == {it.id for it in commands}
    for made in (it for it in log if it.type == "AIDecisionMade"):
        assert log[made.revision - 1].causation_id == made.id


async def test_of_two_overrides_of_one_decision_one_wins(client: AsyncClient) -> None:
    conversations = Conversations(client, POLICY)
    await conversations.handle(start())
    await conversations.handle(decision(2, 0.9))
    outcomes = await asyncio.gather(
        conversations.handle(override(3, of=2, outcome="deny")),
        conversations.handle(override(4, of=2, outcome="defer")),
        return_exceptions=True,
    )
    assert sum(isinstance(it, Refused) for it in outcomes) == 1
    assert (await conversations.load(TALK)).revision == 2


async def test_what_is_refused_changes_nothing(client: AsyncClient) -> None:
    conversations = Conversations(client, POLICY)
    with pytest.raises(Refused):
        await conversations.handle(tool(1))
    assert (await conversations.load(TALK)).revision is None


async def test_a_conversation_is_the_same_with_and_without_its_snapshots(client: AsyncClient) -> None:
    conversations = Conversations(client, POLICY, snapshot_every=3)
    for command in STORY:
        await conversations.handle(command)
        await conversations.settle()
    restored = await conversations.load(TALK)
    assert restored.snapshot_revision is not None
    assert restored.state == (await conversations.load(TALK, without_snapshot=True)).state
