"""Appends, guards and transactions."""

from __future__ import annotations

import asyncio

from quipu_client import (
    EventIdConflict,
    Expected,
    Guard,
    GuardNotMet,
    MatchingEvent,
    NewEvent,
    Query,
    QueryItem,
    RetryPolicy,
    StreamAppend,
    WrongCheckpoint,
    WrongExpectedRevision,
)

from .expecting import equal, refused, soon, there, true
from .server import Server


def event(n: int = 0, type: str = "Noted", tags: tuple[str, ...] = ()) -> NewEvent:  # noqa: A002
    """An event that says a number."""
    return NewEvent(type, {"n": n}, tags=tags)


async def append_expected(server: Server) -> None:
    """Every expectation lets in what it should, and refuses the rest with what is so instead."""
    async with server.client() as client:
        error = await refused("WRONG_EXPECTED_REVISION", client.append("s-1", Expected.stream_exists(), [event()]))
        equal(error.detail, WrongExpectedRevision("s-1", Expected.stream_exists(), None, 0), "the detail")
        first = await client.append("s-1", Expected.no_stream(), [event(0), event(1)])
        equal((first.first_revision, first.last_revision), (0, 1), "the revisions of the first append")
        equal((first.first_position, first.last_position, first.deduplicated), (1, 2, False), "its positions")
        await client.append("s-1", Expected.revision(1), [event(2)])
        await client.append("s-1", Expected.stream_exists(), [event(3)])
        await client.append("s-1", Expected.any(), [event(4)])
        for expected in (Expected.no_stream(), Expected.revision(1), Expected.revision(9)):
            error = await refused("WRONG_EXPECTED_REVISION", client.append("s-1", expected, [event()]))
            equal(error.detail, WrongExpectedRevision("s-1", expected, 4, 5), f"the detail of {expected}")
            true(error.is_conflict and not error.is_retryable, "it is a conflict, and nothing to retry")
        payloads = [it.json()["n"] async for it in client.read_stream("s-1")]
        equal(payloads, [0, 1, 2, 3, 4], "what went in")


async def append_retry(server: Server) -> None:
    """The same events again have one effect, also after a kill and while the server is away."""
    async with server.client() as client:
        events = [event(1), event(2)]
        first = await client.append("s-1", Expected.any(), events)
        again = await client.append("s-1", Expected.any(), events)
        equal((again.first_position, again.last_position, again.deduplicated), (1, 2, True), "the second answer")
        equal(again.first_revision, first.first_revision, "its revision")
        server.restart()
        true((await client.append("s-1", Expected.any(), events)).deduplicated, "it is recognised after a kill")
        taken = NewEvent("Noted", {"n": 9}, id=events[0].id)
        error = await refused("EVENT_ID_CONFLICT", client.append("s-2", Expected.any(), [taken]))
        equal(error.detail, EventIdConflict(events[0].id, "s-1", 1), "the conflict")

    async with server.client(retry=RetryPolicy.forever()) as patient:
        server.kill()
        waiting = asyncio.ensure_future(patient.append("s-1", Expected.revision(1), [event(3)]))
        await asyncio.wait({waiting}, timeout=0.2)
        true(not waiting.done(), "it is tried again while the server is away")
        server.start()
        equal((await soon(waiting, "the append")).last_revision, 2, "where it went")
        equal([it.json()["n"] async for it in patient.read_stream("s-1")], [1, 2, 3], "one copy of each")


async def append_guards(server: Server) -> None:
    """Each kind of guard holds, and does not, and then tells which it is and what is so instead."""
    async with server.client() as client:
        seven = Query(QueryItem(types=["Noted"], tags=["customer:7"]))
        await client.append("s-1", Expected.any(), [event()], [Guard.none_match(seven)])
        await client.append("s-2", Expected.any(), [event(tags=("customer:7",))], [Guard.none_match(seven)])

        async def fails(*guards: Guard) -> object:
            error = await refused("GUARD_NOT_MET", client.append("s-3", Expected.any(), [event()], guards))
            true(error.is_conflict, "it is a conflict")
            return error.detail

        equal(await fails(Guard.none_match(seven)), GuardNotMet(0, MatchingEvent(2, "Noted"), 2), "a match")
        equal(await fails(Guard.some_match(seven), Guard.some_match(seven, 2)), GuardNotMet(1, None, 2), "no match")
        wrong_stream = WrongExpectedRevision("s-2", Expected.no_stream(), 0, 2)
        equal(await fails(Guard.stream("s-2", Expected.no_stream())), GuardNotMet(0, wrong_stream, 2), "a stream")
        wrong_checkpoint = WrongCheckpoint("mailer", 1, None)
        equal(await fails(Guard.checkpoint("mailer", 1)), GuardNotMet(0, wrong_checkpoint, 2), "a checkpoint")

        await client.checkpoints.set("mailer", 1)
        held = [
            Guard.none_match(seven, after=2),
            Guard.some_match(seven),
            Guard.stream("s-2", Expected.revision(0)),
            Guard.checkpoint("mailer", 1),
        ]
        appended = await client.append("s-3", Expected.no_stream(), [event()], held)
        equal(appended.first_position, 3, "what went in with guards that hold")
        await refused("BEYOND_END", client.append("s-4", Expected.any(), [event()], [Guard.none_match(seven, 99)]))
        equal((await client.server_info()).head, 3, "what was refused changed nothing")


async def transact(server: Server) -> None:
    """Appends and checkpoints go in together or not at all, once."""
    async with server.client() as client:
        appends = [
            StreamAppend("account-1", Expected.no_stream(), [event(1), event(2)]),
            StreamAppend("account-2", Expected.no_stream(), [event(3)]),
        ]
        await client.append("seed", Expected.any(), [event()])
        done = await client.transact(appends, checkpoints={"transfers": 1})
        equal((done.first_position, done.last_position), (2, 4), "where it went")
        equal([(it.first_revision, it.last_revision) for it in done.appends], [(0, 1), (0, 0)], "each append")
        equal(there(await client.checkpoints.get("transfers"), "the checkpoint").position, 1, "it moved")
        again = await client.transact(appends, checkpoints={"transfers": 1})
        equal((again.first_position, again.last_position, again.deduplicated), (2, 4, True), "the same again")

        half = [
            StreamAppend("account-3", Expected.any(), [event()]),
            StreamAppend("account-2", Expected.no_stream(), [event()]),
        ]
        await refused("WRONG_EXPECTED_REVISION", client.transact(half, checkpoints={"transfers": 2}))
        error = await refused("WRONG_CHECKPOINT", client.transact(half[:1], checkpoints={"transfers": 1}))
        equal(error.detail, WrongCheckpoint("transfers", 1, 1), "a checkpoint that would not move")
        await refused("GUARD_NOT_MET", client.transact(half[:1], [Guard.none_match(Query.all())]))
        equal((await client.server_info()).head, 4, "what was refused changed nothing")
        equal(there(await client.checkpoints.get("transfers"), "the checkpoint").position, 1, "nor its checkpoint")


async def append_resume(server: Server) -> None:
    """Writers that go on over kills leave one copy of each event, in the order of each writer."""
    writers, each = 4, 40
    async with server.client(retry=RetryPolicy.forever()) as client:
        killed = asyncio.Event()

        async def write(writer: int) -> None:
            for n in range(each):
                if n == each // 2:
                    await killed.wait()
                await client.append(f"writer-{writer}", Expected.any(), [event(n)])

        async def kill() -> None:
            async for seen in client.subscribe_all():
                if seen.position in (10, 30, 60):
                    await asyncio.to_thread(server.restart)
                if seen.position == 60:
                    break
            killed.set()

        await soon(asyncio.gather(*(write(writer) for writer in range(writers)), kill()), "the writers")
        equal((await client.server_info()).head, writers * each, "how many events there are")
        for writer in range(writers):
            numbers = [it.json()["n"] async for it in client.read_stream(f"writer-{writer}")]
            equal(numbers, list(range(each)), f"what writer {writer} left")
