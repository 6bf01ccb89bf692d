"""Conversations in the store: where commands are handled.

Owns `Conversations`: loads a conversation, has it decided, and appends on condition that the stream is still as it
was loaded. States are kept as snapshots, so that a long conversation is not read from its beginning each time.
"""

from __future__ import annotations

from typing import Any

from quipu_client import AsyncAggregate, AsyncClient, Executed, Loaded, SnapshotEvery

from .commands import Command
from .conversation import STATE_VERSION, Conversation, fold, stream_of
from .deciding import decide
from .review_policy import ReviewPolicy

SNAPSHOT_EVERY = 20
"""Events after which the state of a conversation is kept."""
TRIES = 25
"""How often a command is decided anew when somebody else was faster."""


class Conversations:
    """The conversations of one tenant."""

    def __init__(
        self, client: AsyncClient, policy: ReviewPolicy | None = None, *, snapshot_every: int = SNAPSHOT_EVERY
    ) -> None:
        """Handle commands by this policy."""
        self._policy = policy or ReviewPolicy()
        self._aggregate = AsyncAggregate(
            client,
            initial=Conversation,
            apply=fold,
            snapshots=SnapshotEvery(snapshot_every, STATE_VERSION, _dump, Conversation.model_validate),
            tries=TRIES,
        )

    async def handle(self, command: Command) -> Executed[Conversation]:
        """Do what a command asks for, once, however often it is handled. Raises `Refused` when it must not be done."""
        return await self._aggregate.execute(
            stream_of(command.conversation_id), lambda state: decide(state, command, self._policy)
        )

    async def load(self, conversation_id: str, *, without_snapshot: bool = False) -> Loaded[Conversation]:
        """The conversation as it is now."""
        return await self._aggregate.load(stream_of(conversation_id), without_snapshot=without_snapshot)

    async def settle(self) -> None:
        """Wait for the snapshots that are being saved."""
        await self._aggregate.settle()


def _dump(state: Conversation) -> Any:
    return state.model_dump(mode="json")
