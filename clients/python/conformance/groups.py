"""Consumer groups: order, parking, members, fetching, errors."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from quipu_client import (
    AsyncClient,
    AsyncMembership,
    Delivery,
    Expected,
    GroupSettings,
    GroupStart,
    Nack,
    NackAction,
    NotSettled,
    NotSettledReason,
    Order,
    Query,
    QuipuError,
    RetryPolicy,
)

from .appending import event
from .expecting import equal, eventually, refused, soon, true
from .server import Server

QUICK = timedelta(milliseconds=10)


async def fill(client: AsyncClient, streams: int, each: int) -> None:
    """Events numbered from 0 in each of some streams, one stream after the other in turns."""
    for n in range(each):
        for stream in range(streams):
            await client.append(f"s-{stream}", Expected.any(), [event(n)])


async def deliveries(membership: AsyncMembership) -> Sequence[Delivery]:
    """The next message's deliveries, if it has some."""
    return (await soon(anext(membership), "a message to the member")).deliveries


async def take(membership: AsyncMembership, count: int) -> list[Delivery]:
    """The next so many deliveries."""
    taken: list[Delivery] = []
    while len(taken) < count:
        taken += await deliveries(membership)
    return taken


async def confirmed(membership: AsyncMembership, positions: set[int]) -> None:
    """Wait until these are settled."""
    while positions:
        outcome = (await soon(anext(membership), "a confirmation")).outcome
        equal(outcome.not_settled, (), "what could not be settled")
        positions -= set(outcome.settled)


async def all_settled(client: AsyncClient, group: str) -> None:
    """Wait until a group has nothing left to do."""

    async def is_settled() -> bool:
        info = await client.consumers.get(group)
        return info.settled_position == info.head and info.outstanding == 0

    await eventually(is_settled, f"{group} has settled everything")


async def group_order(server: Server) -> None:
    """Each stream is delivered in order, streams side by side, and what was settled stays so over a kill."""
    streams, each = 4, 6
    async with server.client(retry=RetryPolicy.forever()) as client:
        await fill(client, streams, each)
        made = await client.consumers.create("workers")
        equal((made.settings.max_tries, made.settings.ack_timeout), (10, timedelta(seconds=30)), "the defaults")
        seen: dict[str, list[int]] = defaultdict(list)
        async with client.consumers.consume("workers", "ada") as ada:
            first = await take(ada, streams)
            equal({it.event.stream for it in first}, {f"s-{n}" for n in range(streams)}, "streams side by side")
            equal({it.event.revision for it in first}, {0}, "only the first of each")
            for delivery in first[1:]:
                seen[delivery.event.stream].append(delivery.event.revision)
            await ada.settle([it.event.position for it in first[1:]])
            await confirmed(ada, {it.event.position for it in first[1:]})
        await asyncio.to_thread(server.restart)
        async with client.consumers.consume("workers", "ada") as ada:
            while sum(map(len, seen.values())) < streams * each:
                for delivery in await deliveries(ada):
                    seen[delivery.event.stream].append(delivery.event.revision)
                    await ada.settle([delivery.event.position])
            await all_settled(client, "workers")
            await ada.finish()
            async for message in ada:
                equal(message.deliveries, (), "nothing comes after the end")
        equal(dict(seen), {f"s-{n}": list(range(each)) for n in range(streams)}, "each once and in order")
        await _settings_are_kept(client)


async def _settings_are_kept(client: AsyncClient) -> None:
    """Settings come back as they were given, and change, but for query and order."""
    settings = GroupSettings(
        Query.types("Noted"),
        Order.by_tag_key("customer"),
        timedelta(seconds=5),
        3,
        timedelta(milliseconds=50),
        timedelta(seconds=1),
        500,
    )
    made = await client.consumers.create("tagged", settings, GroupStart.end())
    equal(made.settings, settings, "the settings")
    equal((made.settled_position, made.head), (24, 24), "a group that begins at the end")
    await client.consumers.pause("tagged")
    true((await client.consumers.get("tagged")).is_paused, "it is paused")
    await client.consumers.resume("tagged")
    equal(await client.consumers.reset("tagged", GroupStart.after_position(7)), 7, "where it begins anew")
    names = [it.name async for it in client.consumers.list(page_size=1)]
    equal(names, ["tagged", "workers"], "the groups, over pages")
    await client.consumers.delete("tagged")
    await refused("GROUP_NOT_FOUND", client.consumers.get("tagged"))


async def group_park(server: Server) -> None:
    """An event that always fails is parked with the reason; the others pass, and it comes again once."""
    async with server.client() as client:
        await fill(client, 2, 4)
        settings = GroupSettings(max_tries=3, backoff=QUICK, backoff_max=QUICK)
        await client.consumers.create("workers", settings)
        is_mended, seen, tries = False, defaultdict[str, list[int]](list), []
        async with client.consumers.consume("workers", "ada") as ada:

            async def work(until: int) -> None:
                while sum(map(len, seen.values())) < until:
                    for delivery in await deliveries(ada):
                        fails = not is_mended and (delivery.event.stream, delivery.event.revision) == ("s-0", 1)
                        if fails:
                            tries.append(delivery.try_number)
                            await ada.settle(nack=[Nack(delivery.event.position, reason="it always fails")])
                        else:
                            seen[delivery.event.stream].append(delivery.event.revision)
                            await ada.settle([delivery.event.position])

            await work(7)
            equal(dict(seen), {"s-0": [0, 2, 3], "s-1": [0, 1, 2, 3]}, "the others, in order")
            equal(tries, [1, 2, 3], "the tries of the one")
            await all_settled(client, "workers")
            (parked,) = [it async for it in client.consumers.list_parked("workers")]
            equal((parked.reason, parked.tries), ("it always fails", 3), "why and after how many tries")
            equal((parked.event.stream, parked.event.revision), ("s-0", 1), "which")
            is_mended = True
            equal(await client.consumers.replay_parked("workers", [parked.event.position]), 1, "one is replayed")
            await work(8)
            equal(seen["s-0"], [0, 2, 3, 1], "it came once more")
            await all_settled(client, "workers")
            equal([it async for it in client.consumers.list_parked("workers")], [], "nothing is parked any more")

            await client.append("s-2", Expected.any(), [event(), event()])
            (first,) = await take(ada, 1)
            await ada.settle(nack=[Nack(first.event.position, NackAction.PARK, "at once")])
            (second,) = await take(ada, 1)
            await ada.settle(nack=[Nack(second.event.position, NackAction.SKIP)])
            await all_settled(client, "workers")
        reasons = [it.reason async for it in client.consumers.list_parked("workers")]
        equal(reasons, ["at once"], "what is parked at once; what is skipped is gone")
        equal(await client.consumers.discard_parked("workers"), 1, "it is forgotten")
        equal((await client.consumers.get("workers")).parked, 0, "nothing is left of it")


async def group_members(server: Server) -> None:
    """Members share the work; what one that goes away had in hand comes to the others; a taken name is refused."""
    streams = 10
    async with server.client() as client, server.client() as other:
        await client.consumers.create("workers", GroupSettings(backoff=QUICK, backoff_max=QUICK))
        ada = client.consumers.consume("workers", "ada", credits=5)
        grace = other.consumers.consume("workers", "grace", credits=5)
        async with ada, grace:

            async def are_there() -> bool:
                return len((await client.consumers.get("workers")).members) == 2

            await eventually(are_there, "both are members")
            members = (await client.consumers.get("workers")).members
            equal([(it.name, it.credits) for it in members], [("ada", 5), ("grace", 5)], "the members")
            async with other.consumers.consume("workers", "ada") as impostor:
                await refused("MEMBER_EXISTS", anext(impostor))
            await fill(client, streams, 1)
            of_ada, of_grace = await asyncio.gather(take(ada, 5), take(grace, 5))
            positions = {it.event.position for it in (*of_ada, *of_grace)}
            equal(positions, set(range(1, streams + 1)), "they share the work")
            await grace.settle([it.event.position for it in of_grace])
            await confirmed(grace, {it.event.position for it in of_grace})
            ada.leave()
            again = await take(grace, 5)
            lost = {it.event.position for it in of_ada}
            equal({it.event.position for it in again}, lost, "what ada had comes to grace")
            true(all(it.try_number == 2 for it in again), "as another try")
            await grace.settle([it.event.position for it in again])
            await confirmed(grace, lost)
        await all_settled(client, "workers")


async def group_fetch(server: Server) -> None:
    """Clients that cannot hold a stream ask for deliveries and settle them."""
    async with server.client() as client:
        await client.consumers.create("workers", GroupSettings(max_tries=2, backoff=QUICK, backoff_max=QUICK))
        equal(list(await client.consumers.fetch("workers", "ada", timeout=0)), [], "nothing is there yet")
        waiting = asyncio.ensure_future(client.consumers.fetch("workers", "ada", timeout=15))
        await client.append("s-1", Expected.any(), [event()])
        (first,) = await soon(waiting, "the first delivery")
        equal((first.event.revision, first.try_number), (0, 1), "what it is")
        settled = await client.consumers.ack("workers", "ada", [first.event.position])
        equal((settled.settled, settled.not_settled), ((1,), ()), "it is settled")
        await fill(client, 3, 1)
        fetched = await client.consumers.fetch("workers", "ada", max_events=2)
        true(0 < len(fetched) <= 2, "no more than was asked for")
        failing = [Nack(it.event.position, reason="not today") for it in fetched]
        equal(len((await client.consumers.ack("workers", "ada", nack=failing)).settled), len(fetched), "nacks")
        while (await client.consumers.get("workers")).outstanding:
            for delivery in await client.consumers.fetch("workers", "ada", timeout=1):
                await client.consumers.ack("workers", "ada", [delivery.event.position])
        await all_settled(client, "workers")


async def group_errors(server: Server) -> None:
    """What makes no sense is told by a reason."""
    async with server.client() as client:
        consumers = client.consumers
        await refused("GROUP_NOT_FOUND", consumers.get("none"))
        await refused("GROUP_NOT_FOUND", consumers.pause("none"))
        await refused("GROUP_NOT_FOUND", consumers.fetch("none", "ada", timeout=0))
        await refused("GROUP_NOT_FOUND", consumers.ack("none", "ada", [1]))
        async with consumers.consume("none", "ada") as member:
            await refused("GROUP_NOT_FOUND", anext(member))
        await refused("INVALID_ARGUMENT", consumers.create("workers", GroupSettings(Query())))
        await refused("INVALID_ARGUMENT", consumers.create("$workers"))
        settings = GroupSettings(ack_timeout=timedelta(seconds=60))
        await consumers.create("workers", settings)
        await consumers.create("workers", settings)
        await refused("GROUP_EXISTS", consumers.create("workers", GroupSettings(max_tries=3)))
        await refused("BEYOND_END", consumers.create("late", start=GroupStart.after_position(99)))

        await client.append("s-1", Expected.any(), [event(), event()])
        (first,) = await consumers.fetch("workers", "ada", timeout=10)
        equal(first.event.position, 1, "the first of the stream")
        never = await consumers.ack("workers", "ada", [99])
        equal(never.not_settled, (NotSettled(99, NotSettledReason.NOT_DELIVERED),), "what was never delivered")
        await consumers.ack("workers", "ada", [1])
        twice = await consumers.ack("workers", "ada", [1])
        equal(twice.not_settled, (NotSettled(1, NotSettledReason.ALREADY_SETTLED),), "what is settled already")
        await refused("NOT_PARKED", consumers.replay_parked("workers", [1]))
        await refused("NOT_PARKED", consumers.discard_parked("workers", [1]))

        async with consumers.consume("workers", "grace") as member:
            await take(member, 1)
            await consumers.delete("workers")

            async def until_the_end() -> None:
                async for _ in member:
                    pass

            await refused("GROUP_NOT_FOUND", soon(until_the_end(), "the end of the membership"))
        try:
            await client.consumers.consume("workers", "ada").settle([1])
        except QuipuError:
            return
        raise AssertionError("a membership that has not begun settles nothing")
