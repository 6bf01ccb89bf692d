"""Reactors."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

from quipu_client import (
    AsyncClient,
    AsyncReactor,
    Expected,
    GroupSettings,
    Park,
    RecordedEvent,
    RetryPolicy,
    Skip,
    Upcasters,
)

from .appending import event
from .expecting import equal, eventually, refused, soon, true
from .groups import all_settled
from .server import Server

_QUICK = GroupSettings(max_tries=4, backoff=timedelta(milliseconds=10), backoff_max=timedelta(milliseconds=10))


async def reactor(server: Server) -> None:
    """Handlers are called until all have succeeded, park and skip, over kills; a stop finishes what is in hand."""
    casts = Upcasters()
    casts.add("Old", "1", "2", lambda data: {"upcasted": data})
    async with server.client(retry=RetryPolicy.forever(), upcasters=casts) as client:
        await _outcomes(client)
        await _over_kills(server, client)
        await _graceful_stop(client)
        await _stop_in_time(client)
        await _names(client)


async def _outcomes(client: AsyncClient) -> None:
    calls: Counter[str] = Counter()
    reactor = AsyncReactor(client, "mailers", settings=_QUICK, concurrency=4)

    @reactor.on("Ordered")
    async def _reliable(ordered: RecordedEvent) -> None:
        calls[f"reliable {ordered.revision}"] += 1

    @reactor.on("Ordered")
    async def _flaky(ordered: RecordedEvent) -> None:
        calls[f"flaky {ordered.revision}"] += 1
        if ordered.revision == 1 and calls["flaky 1"] < 3:
            raise RuntimeError("not yet")

    @reactor.on("Broken")
    def _broken(_: RecordedEvent) -> None:
        calls["broken"] += 1
        raise ValueError("it never works")

    @reactor.on("Odd")
    async def _odd(odd: RecordedEvent) -> None:
        raise Park("odd") if odd.json()["n"] == 1 else Skip("even")

    @reactor.on("Old", "2")
    async def _new(old: RecordedEvent) -> None:
        calls[f"old {old.json()['upcasted']['n']}"] += 1

    events = [event(n, "Ordered") for n in range(3)]
    events += [event(0, "Broken"), event(1, "Odd"), event(2, "Odd"), event(7, "Old"), event(0, "Unheard")]
    await client.append("order-1", Expected.any(), events)
    running = asyncio.ensure_future(reactor.run())
    await all_settled_by(client, reactor, "mailers")
    wanted = {"reliable 0": 1, "reliable 1": 1, "reliable 2": 1, "flaky 0": 1, "flaky 1": 3, "flaky 2": 1}
    equal(dict(calls), {**wanted, "broken": 4, "old 7": 1}, "how often each handler was called")
    parked = {it.event.type: (it.reason, it.tries) async for it in client.consumers.list_parked("mailers")}
    equal(parked, {"Broken": ("ValueError: it never works", 4), "Odd": ("odd", 1)}, "what was parked, and why")
    metrics = reactor.metrics
    counts = (metrics.handled, metrics.failed, metrics.parked, metrics.skipped, metrics.unhandled, metrics.in_flight)
    equal(counts, (4, 6, 2, 1, 1, 0), "handled, failed, parked, skipped, unhandled, in flight")
    times = metrics.times["Ordered"]
    true(times.count == 8 and 0 < times.max <= times.sum, f"how long handlers took: {times}")
    await reactor.stop()
    await soon(running, "the end of the reactor")
    equal((await client.consumers.get("mailers")).members, (), "it has left the group")


async def all_settled_by(client: AsyncClient, reactor: AsyncReactor, group: str) -> None:
    """Wait until the group has settled everything and the reactor knows."""

    async def exists() -> bool:
        return group in [it.name async for it in client.consumers.list()]

    await eventually(exists, f"{group} is made")
    await all_settled(client, group)

    async def is_idle() -> bool:
        return reactor.metrics.in_flight == 0

    await eventually(is_idle, "nothing is in flight")


async def _over_kills(server: Server, client: AsyncClient) -> None:
    total, streams = 120, 6
    seen: dict[str, list[int]] = {f"k-{n}": [] for n in range(streams)}
    done = asyncio.Event()
    reactor = AsyncReactor(client, "followers", settings=_QUICK, concurrency=3, silence=5)

    @reactor.on("Kept")
    async def _keep(kept: RecordedEvent) -> None:
        if kept.revision not in seen[kept.stream]:
            seen[kept.stream].append(kept.revision)
        if sum(map(len, seen.values())) == total:
            done.set()

    running = asyncio.ensure_future(reactor.run())

    async def write() -> None:
        for n in range(total):
            await client.append(f"k-{n % streams}", Expected.any(), [event(n, "Kept")])
            if n in (30, 70, 100):
                await asyncio.to_thread(server.restart)

    await soon(asyncio.gather(write(), done.wait()), "all events over kills")
    equal(seen, {name: list(range(total // streams)) for name in seen}, "each stream, in order")
    await all_settled_by(client, reactor, "followers")
    await reactor.stop()
    await soon(running, "the end of the reactor")


async def _graceful_stop(client: AsyncClient) -> None:
    begun, go_on, finished = asyncio.Event(), asyncio.Event(), []
    reactor = AsyncReactor(client, "slow", settings=_QUICK, concurrency=1)

    @reactor.on("Slow")
    async def _slow(slow: RecordedEvent) -> None:
        begun.set()
        await go_on.wait()
        finished.append(slow.revision)

    await client.append("slow-1", Expected.any(), [event(0, "Slow"), event(1, "Slow")])
    running = asyncio.ensure_future(reactor.run())
    await soon(begun.wait(), "the first event")
    await reactor.stop()
    true(not running.done(), "it waits for what is in hand")
    go_on.set()
    await soon(running, "the end of the reactor")
    equal(finished, [0], "what was in hand is finished, and nothing new is begun")
    info = await client.consumers.get("slow")
    first = (await client.read_stream("slow-1").collect())[0]
    true(info.settled_position >= first.position, "it is settled")


async def _stop_in_time(client: AsyncClient) -> None:
    begun = asyncio.Event()
    reactor = AsyncReactor(client, "stuck", settings=_QUICK, stop_timeout=0.1)

    @reactor.on("Slow")
    async def _stuck(_: RecordedEvent) -> None:
        begun.set()
        await asyncio.Event().wait()

    running = asyncio.ensure_future(reactor.run())
    await soon(begun.wait(), "the first event")
    await reactor.stop()
    await soon(running, "the end of a reactor whose handler is stuck")


async def _names(client: AsyncClient) -> None:
    first = AsyncReactor(client, "named", member="ada")
    running = asyncio.ensure_future(first.run())

    async def is_there() -> bool:
        groups = [it async for it in client.consumers.list("named")]
        return bool(groups and groups[0].members)

    await eventually(is_there, "the first one has joined")
    await refused("MEMBER_EXISTS", AsyncReactor(client, "named", member="ada").run())
    await client.consumers.delete("named")
    await refused("GROUP_NOT_FOUND", soon(running, "the end of a reactor without its group"))
