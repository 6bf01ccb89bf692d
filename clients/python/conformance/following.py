"""Subscriptions."""

from __future__ import annotations

import asyncio

from quipu_client import (
    AsyncSubscription,
    CaughtUp,
    Checkpoint,
    Events,
    Expected,
    Heartbeat,
    Message,
    Query,
    Reconnected,
    RetryPolicy,
)

from .appending import event
from .expecting import equal, refused, soon, there
from .server import Server


async def subscribe_live(server: Server) -> None:
    """A subscription gives what is there, tells that it has caught up, gives what comes, and gives signs of life."""
    async with server.client() as client:
        await client.append("a-1", Expected.any(), [event(1), event(2)])
        async with client.subscribe_all() as log, client.subscribe_stream("b-1") as stream:
            equal(await _until_caught_up(log), ([1, 2], 2), "what is there")
            equal(await _until_caught_up(stream), ([], 2), "a stream that does not exist yet")
            await client.append("b-1", Expected.any(), [event(3)])
            equal((await soon(anext(log), "the event")).position, 3, "what comes")
            equal((await soon(anext(stream), "the event")).json(), {"n": 3}, "what comes to the stream")

        async with client.subscribe_all(after_position=2) as behind:
            equal((await soon(anext(behind), "the event")).position, 3, "behind a position")
        query = Query.types("Wanted")
        async with (
            client.subscribe_all(from_end=True) as end,
            client.subscribe_stream("a-1", from_end=True) as stream_end,
            client.subscribe_all(query=query) as filtered,
        ):
            await client.append("a-1", Expected.any(), [event(4), event(5, "Wanted")])
            equal((await soon(anext(end), "the event")).position, 4, "from the end")
            equal((await soon(anext(stream_end), "the event")).revision, 2, "from the end of a stream")
            equal((await soon(anext(filtered), "the event")).position, 5, "what matches")
            await client.append("a-1", Expected.any(), [event(6)])
            await _until(filtered, Checkpoint, Heartbeat, at=6)
        async with client.subscribe_all(after_position=6) as quiet:
            await _until(quiet, Heartbeat)
        await refused("BEYOND_END", client.subscribe_all(after_position=99).next_message())


async def subscribe_resume(server: Server) -> None:
    """Subscriptions over kills deliver each event once and in order, also filtered ones and those of streams."""
    total, kills = 300, (30, 90, 170, 240)
    async with server.client(retry=RetryPolicy.forever()) as client:

        async def write() -> None:
            for n in range(1, total + 1):
                await client.append(f"s-{n % 2}", Expected.any(), [event(n, "Even" if n % 2 == 0 else "Odd")])

        async def follow(subscription: AsyncSubscription, wanted: list[int], restart: bool = False) -> None:
            seen: list[int] = []
            async with subscription:
                while len(seen) < len(wanted):
                    seen.append((await anext(subscription)).position)
                    if restart and len(seen) in kills:
                        await asyncio.to_thread(server.restart)
            equal(seen, wanted, "what was delivered")

        everything = list(range(1, total + 1))
        await soon(
            asyncio.gather(
                follow(client.subscribe_all(), everything, restart=True),
                follow(client.subscribe_all(query=Query.types("Even")), everything[1::2]),
                follow(client.subscribe_stream("s-1"), everything[0::2]),
                write(),
            ),
            "the end of the subscriptions",
        )
        async with client.subscribe_all(from_end=True) as end:
            await _until_caught_up(end)
            await asyncio.to_thread(server.restart)
            await client.append("s-1", Expected.any(), [event(total + 1)])
            await _until(end, Reconnected)
            equal((await soon(anext(end), "the event")).position, total + 1, "from the end, over a kill")

    await _given_up(server)


async def _given_up(server: Server) -> None:
    """A server that is silent for too long is left and connected to again: nothing is lost."""
    async with server.client() as client:
        head = (await client.server_info()).head
        async with client.subscribe_all(after_position=head, silence=0.2) as subscription:
            await _until(subscription, Reconnected)
            await client.append("s-1", Expected.any(), [event()])
            event_there = await soon(anext(subscription), "the event")
            equal(event_there.position, head + 1, "what comes after a silence")


async def _until(subscription: AsyncSubscription, *kinds: type[Message], at: int | None = None) -> None:
    """Wait for a signal of these kinds, at a position where one is given."""

    async def find() -> None:
        while True:
            message = there(await subscription.next_message(), "the next message")
            if isinstance(message, kinds) and at in (None, getattr(message, "position", None)):
                return

    await soon(find(), f"one of {[kind.__name__ for kind in kinds]}")


async def _until_caught_up(subscription: AsyncSubscription) -> tuple[list[int], int]:
    """What comes before it has caught up, and where it then is."""
    places: list[int] = []
    while True:
        match await soon(subscription.next_message(), "the next message"):
            case Events(events):
                places += [it.position for it in events]
            case CaughtUp(position):
                return places, position
            case None:
                raise AssertionError("the subscription ended")
