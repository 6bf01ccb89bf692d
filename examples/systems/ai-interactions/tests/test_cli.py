"""The command line answers questions about a running system."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from quipu_client import AsyncClient

from ai_interactions.cli import main
from ai_interactions.conversation import stream_of
from ai_interactions.conversations import Conversations
from scenario.fleet import Fleet

from .samples import POLICY, STORY, TALK, fact_id, play


async def test_a_story_is_told_a_model_is_rebuilt_and_the_lag_is_told(
    client: AsyncClient, fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    conversations = Conversations(client, POLICY)
    for command in STORY:
        await conversations.handle(command)
    log = await client.read_stream(stream_of(TALK)).collect()

    async def told(*arguments: str) -> list[dict[str, Any]]:
        await asyncio.to_thread(main, ["--address", fleet.address, *arguments])
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    story = await told("replay", TALK)
    assert [line["message"] for line in story] == [*(it.type for it in play(STORY)[1]), "state"]
    assert story[-1]["state"]["decisions"][fact_id(4)]["overridden_to"] == "deny"
    early = await told("replay", TALK, "--at", log[1].recorded_at.isoformat())
    known = [it.type for it in log if it.recorded_at <= log[1].recorded_at]
    assert [line["message"] for line in early] == [*known, "state"]
    assert await told("rebuild", "tool-usage") == [{"message": "rebuilt", "model": "tool-usage", "generation": 1}]
    behind = {line["name"]: line["behind"] for line in await told("status")}
    assert (behind["tool-usage"], behind["conversations"]) == (0, len(log))
