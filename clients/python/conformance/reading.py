"""Reads of streams and of the log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

from quipu_client import AsyncClient, BeyondEnd, Expected, NewEvent, Query, QueryItem, RecordedEvent, StreamMetadata

from .appending import event
from .expecting import equal, refused, there, true
from .server import Server


async def read_stream(server: Server) -> None:
    """A stream is read from anywhere, in both directions, by types, with a limit and with a snapshot."""
    async with server.client() as client:
        types = ["Even", "Odd"]
        for begin in range(0, 2500, 500):
            batch = [NewEvent(types[n % 2], {"n": n, "text": "x" * 1000}) for n in range(begin, begin + 500)]
            await client.append("s-1", Expected.any(), batch)

        reading = client.read_stream("s-1")
        equal([it.revision async for it in reading], list(range(2500)), "all revisions")
        equal(reading.head_revision, 2499, "the head after the end")
        equal(await _revisions(client.read_stream("s-1", from_revision=2490)), list(range(2490, 2500)), "from a place")
        equal(await _revisions(client.read_stream("s-1", from_revision=2500)), [], "from behind the last")
        newest = await _revisions(client.read_stream("s-1", backwards=True, limit=3))
        equal(newest, [2499, 2498, 2497], "the newest three")
        equal(await _revisions(client.read_stream("s-1", backwards=True, from_revision=1)), [1, 0], "backwards")
        odd = await _revisions(client.read_stream("s-1", types=["Odd"], limit=2))
        equal(odd, [1, 3], "a limit counts what is returned")
        count = sum([len(batch) async for batch in client.read_stream("s-1").batches()])
        equal(count, 2500, "events in batches")

        error = await refused("BEYOND_END", client.read_stream("s-1", from_revision=2502).collect())
        equal(error.detail, BeyondEnd(2502, 2499), "beyond the end")
        await refused("STREAM_NOT_FOUND", client.read_stream("s-2").collect())

        equal(await client.read_stream("s-1", with_snapshot=True).snapshot(), None, "no snapshot yet")
        await client.snapshots.save("s-1", 2496, {"sum": 1})
        reading = client.read_stream("s-1", with_snapshot=True)
        equal(there(await reading.snapshot(), "the snapshot").json(), {"sum": 1}, "the snapshot")
        equal(await _revisions(reading), [2497, 2498, 2499], "the events behind it")
        await client.streams.set_metadata("s-1", StreamMetadata(max_count=2))
        equal(await _revisions(client.read_stream("s-1")), [2498, 2499], "what the metadata leaves")


async def read_all_query(server: Server) -> None:
    """The log is read by everything that a query can say."""
    async with server.client() as client:
        await client.append("order-1", Expected.any(), [event(1, "Placed", ("customer:7",))])
        await client.append("order-2", Expected.any(), [event(2, "Placed", ("customer:8", "big"))])
        paid = NewEvent("Paid", {}, tags=["customer:7", "big"], correlation_id="c-1", causation_id="x")
        await client.append("order-1", Expected.any(), [paid])
        await client.append("letter-1", Expected.any(), [event(4, "Sent", ("customer:7",))])
        await client.append("plain", Expected.any(), [event(5, "Placed")])
        for query, wanted in [
            (None, [1, 2, 3, 4, 5]),
            (Query.all(), [1, 2, 3, 4, 5]),
            (Query.types("Placed", "Sent"), [1, 2, 4, 5]),
            (Query(QueryItem(tags=["customer:7", "big"])), [3]),
            (Query(QueryItem(categories=["order"])), [1, 2, 3]),
            (Query(QueryItem(stream_prefix="order-1")), [1, 3]),
            (Query(QueryItem(correlation_id="c-1")), [3]),
            (Query(QueryItem(types=["Placed"], tags=["big"]), QueryItem(types=["Sent"])), [2, 4]),
            (Query.types("Unheard"), []),
        ]:
            reading = client.read_all(query=query)
            equal([it.position async for it in reading], wanted, f"the answer to {query}")
            equal(reading.head, 5, "the head")
            found = [it.position async for it in client.read_all(query=query, backwards=True)]
            equal(found, wanted[::-1], f"the answer to {query} backwards")
        places = [it.position async for it in client.read_all(query=Query.types("Placed"), limit=2)]
        equal(places, [1, 2], "a limit counts what is returned")

        third = await client.get_event(position=3)
        equal((third.id, third.correlation_id, third.causation_id), (paid.id, "c-1", "x"), "an event by its position")
        equal((await client.get_event(id=paid.id)).position, 3, "an event by its id")
        await refused("EVENT_NOT_FOUND", client.get_event(position=99))
        since = [it.position async for it in client.read_all(from_time=third.recorded_at)]
        true(3 in since and since[-1] == 5, "a read from a time begins with what was recorded from then on")
        later = third.recorded_at + timedelta(days=1)
        equal([it.position async for it in client.read_all(from_time=later)], [], "nothing is from tomorrow")
        back = [it.position async for it in client.read_all(from_time=later, backwards=True, limit=1)]
        equal(back, [5], "the last one until then")
        until = [it.position async for it in client.read_all(from_time=third.recorded_at, backwards=True)]
        true(3 in until and until[-1] == 1, "an event was recorded by its own time, which was cut off")

        await client.streams.delete("plain")
        equal(len(await client.read_all().collect()), 5, "the log hides nothing")
        system = [it.stream async for it in client.read_all(include_system=True, from_position=6)]
        equal(system, ["$streams-plain"], "system events come where they are asked for")
        await refused("INVALID_ARGUMENT", client.read_all(query=Query()).collect())


async def read_resume(server: Server) -> None:
    """Reads that a kill breaks go on behind what they have delivered, in both directions, with limits and queries."""
    async with server.client() as client:
        for begin in range(0, 4000, 400):
            batch = [NewEvent(f"Type{n % 2}", "x" * 8000) for n in range(begin, begin + 400)]
            await client.append("s-1", Expected.any(), batch)

        async def over_kill(reading: AsyncIterator[RecordedEvent], before: int) -> list[int]:
            places = [(await anext(reading)).position for _ in range(before)]
            await asyncio.to_thread(server.restart)
            return places + [it.position async for it in reading]

        everything = list(range(1, 4001))
        equal(await over_kill(client.read_all(), 10), everything, "the log")
        equal(await over_kill(client.read_all(backwards=True), 10), everything[::-1], "the log backwards")
        equal(await over_kill(client.read_stream("s-1"), 1), everything, "the stream")
        limited = client.read_stream("s-1", backwards=True, limit=3900)
        equal(await over_kill(limited, 2), everything[:99:-1], "the stream backwards with a limit")
        query = Query.types("Type1")
        equal(await over_kill(client.read_all(query=query), 5), everything[1::2], "a query")


async def _revisions(reading: AsyncIterator[RecordedEvent]) -> list[int]:
    return [it.revision async for it in reading]


async def tenants(server: Server) -> None:
    """Tenants see nothing of each other."""
    async with server.client(tenant="red") as red, server.client(tenant="blue") as blue, server.client() as plain:
        await red.append("s-1", Expected.no_stream(), [event(1)])
        await blue.append("s-1", Expected.no_stream(), [event(2), event(3)])
        await red.checkpoints.set("c", 1)
        equal(await _numbers(red), [1], "what red sees")
        equal(await _numbers(blue), [2, 3], "what blue sees")
        equal(await blue.checkpoints.get("c"), None, "blue's checkpoints")
        equal((await red.server_info()).tenant, "red", "whom red speaks for")
        equal((await plain.server_info()).tenant, "default", "whom a client speaks for by default")
        true((await red.server_info()).log_id != (await blue.server_info()).log_id, "each has a log of its own")
        async with server.client(tenant="nobody") as nobody:
            await refused("TENANT_NOT_FOUND", nobody.read_all().collect())
        async with server.client(tenant="No Name!") as nameless:
            await refused("INVALID_ARGUMENT", nameless.append("s-1", Expected.any(), [event()]))


async def _numbers(client: AsyncClient) -> list[int]:
    return [it.json()["n"] async for it in client.read_all()]
