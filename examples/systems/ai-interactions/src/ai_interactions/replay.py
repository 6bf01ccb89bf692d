"""Looking back: a conversation, or all read models, as they were.

There are two clocks. `recorded_at` is the store's: what it knew at a time never changes afterwards. `occurred_at` is
the world's: what had happened by a time may become known only later.
"""

from __future__ import annotations

from datetime import datetime

from quipu_client import AsyncClient, Query, QueryItem, RecordedEvent

from .conversation import Conversation, fold, stream_of
from .projections import MemoryDocuments, Projection


async def story_of(client: AsyncClient, conversation_id: str) -> list[RecordedEvent]:
    """All that belongs to a conversation, in the order of the log: its stream, its notifications and its reviews."""
    return await client.read_all(query=Query(QueryItem(correlation_id=conversation_id))).collect()


async def as_known_at(client: AsyncClient, conversation_id: str, time: datetime) -> Conversation:
    """The conversation as the store knew it at a time, events recorded at that time included."""
    state = Conversation()
    async for event in client.read_stream(stream_of(conversation_id)):
        if event.recorded_at > time:
            break
        state = fold(state, event)
    return state


async def as_happened_by(client: AsyncClient, conversation_id: str, time: datetime) -> Conversation:
    """The conversation as it had become in the world by a time, with what was recorded of it later.

    The order is the stream's. What rests on a fact is recorded behind it and never dated before it: see `deciding.py`.
    """
    state = Conversation()
    async for event in client.read_stream(stream_of(conversation_id)):
        if (event.occurred_at or event.recorded_at) <= time:
            state = fold(state, event)
    return state


async def position_at(client: AsyncClient, time: datetime) -> int:
    """The position of the last event recorded at a time or before; 0 when there was none."""
    last = await client.read_all(from_time=time, backwards=True, limit=1, include_system=True).collect()
    return last[0].position if last else 0


async def documents_at(client: AsyncClient, projection: Projection, time: datetime) -> MemoryDocuments:
    """The documents of a read model as they were when everything recorded until a time was in them."""
    last, documents = await position_at(client, time), MemoryDocuments()
    async for event in client.read_all(query=projection.query):
        if event.position > last:
            break
        await projection.apply(event, documents)
    return documents
