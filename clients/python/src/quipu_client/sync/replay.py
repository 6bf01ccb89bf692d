# Made from ../aio by tools/unasync.py.
"""Handing the log to a handler in batches, resumably.

Owns `replay`, which a client offers as a method: the checkpoint moves after each batch, so a replay that is killed
goes on with the batch that it was in.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from ..checkpoint import ExpectedCheckpoint
from ..event import RecordedEvent
from ..message import CaughtUp, Checkpoint, Events, FellBehind, Heartbeat
from ..query import Query
from ..replayed import Replayed
from .concurrency import Done, finish

if TYPE_CHECKING:
    from .client import Client

Handler = Callable[[list[RecordedEvent]], Done]
"""Deals with a batch. It must bear a repetition of the last one, after a kill."""


def replay(
    client: Client,
    name: str,
    handler: Handler,
    *,
    query: Query | None,
    after_position: int,
    from_time: datetime | None,
    batch_size: int,
    follow: bool,
) -> Replayed:
    """See `Client.replay`."""
    checkpoint = client.checkpoints.get(name)
    if checkpoint is not None:
        after_position, from_time = checkpoint.position, None
    head = (client.server_info()).head
    expected = ExpectedCheckpoint.no_checkpoint() if checkpoint is None else ExpectedCheckpoint.at(checkpoint.position)
    place = 0 if checkpoint is None else checkpoint.position
    batch: list[RecordedEvent] = []
    events = batches = 0
    subscription = client.subscribe_all(
        after_position=None if from_time else after_position, from_time=from_time, query=query
    )

    def hand_over(position: int) -> None:
        nonlocal expected, place, events, batches
        if batch:
            finish(handler(list(batch)))
            events += len(batch)
            batches += 1
            batch.clear()
        if position > place:
            client.checkpoints.set(name, position, expected)
            expected, place = ExpectedCheckpoint.at(position), position

    with subscription:
        is_live = False
        for message in subscription.messages():
            match message:
                case Events():
                    for event in message.events:
                        if not follow and event.position > head:
                            break
                        batch.append(client.connection.upcast(event))
                        if len(batch) >= batch_size:
                            hand_over(event.position)
                    reached = message.events[-1].position
                    if is_live and batch:
                        hand_over(batch[-1].position)
                case CaughtUp() | Checkpoint() | Heartbeat():
                    reached = message.position
                    is_live = is_live or isinstance(message, CaughtUp)
                    if follow and is_live:
                        hand_over(reached)
                case FellBehind():
                    is_live = False
                    continue
                case _:
                    continue
            if not follow and reached >= head:
                hand_over(head)
                break
    return Replayed(events, batches, place)
