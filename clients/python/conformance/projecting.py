"""Read models, projectors and replays."""

from __future__ import annotations

import asyncio
from typing import Any

from quipu_client import (
    AsyncClient,
    AsyncProjector,
    AsyncTx,
    DocumentKey,
    Expected,
    NewDocument,
    NewEvent,
    Query,
    QuipuError,
    RecordedEvent,
    RetryPolicy,
    WrongCheckpoint,
    WrongReadModelPosition,
)

from .appending import event
from .expecting import equal, eventually, refused, soon, there, true
from .server import Server


async def read_models(server: Server) -> None:
    """Documents are written with the position on condition of the one before; generations are switched."""
    async with server.client() as client:
        await client.append("s-1", Expected.any(), [event(n) for n in range(10)])
        models = client.read_models
        await refused("READ_MODEL_NOT_FOUND", models.describe("people"))
        equal(await models.get("people", "person", "ada"), None, "no document yet")
        people = [NewDocument("person", name, {"name": name}) for name in ("ada", "alan", "grace")]
        written = await models.write("people", expected_position=0, position=3, upserts=people)
        equal(written, 1, "the first generation")
        error = await refused("WRONG_READ_MODEL_POSITION", models.write("people", expected_position=0, position=5))
        equal(error.detail, WrongReadModelPosition("people", 1, 0, 3), "what is so instead")
        true(error.is_conflict, "it is a conflict")
        ada = there(await models.get("people", "person", "ada"), "ada")
        equal((ada.json(), ada.position, ada.content_type), ({"name": "ada"}, 3, "application/json"), "a document")
        await models.write("people", expected_position=3, position=5, deletes=[DocumentKey("person", "alan")])
        raw = [NewDocument("photo", "ada", b"\xff", "image/png")]
        await models.write("people", expected_position=5, position=5, upserts=raw)
        names = [it.id async for it in models.list("people", "person", page_size=1)]
        equal(names, ["ada", "grace"], "the list, over pages")
        equal([it.id async for it in models.list("people", "person", id_prefix="g")], ["grace"], "by prefix")
        passed = [(it.type, it.id) async for it in models.list("people", offset=1, page_size=1)]
        equal(passed, [("person", "grace"), ("photo", "ada")], "behind an offset, over pages and types")
        await refused("BEYOND_END", models.write("people", expected_position=5, position=99))

        second = await models.begin("people")
        equal(second, 2, "a new generation")
        changed = [NewDocument("person", "ada", {"name": "Ada"})]
        await models.write("people", expected_position=0, position=9, upserts=changed, generation=second)
        equal(there(await models.get("people", "person", "ada"), "ada").json(), {"name": "ada"}, "the active one")
        new = there(await models.get("people", "person", "ada", generation=second), "the new ada")
        equal(new.json(), {"name": "Ada"}, "the new one")
        described = [(it.generation, it.position, it.is_active) for it in await models.describe("people")]
        equal(described, [(1, 5, True), (2, 9, False)], "the generations")
        await refused("WRONG_READ_MODEL_POSITION", models.switch("people", second, expected_position=8))
        await models.switch("people", second, expected_position=9)
        await models.switch("people", second)
        equal([it.id async for it in models.list("people")], ["ada"], "what readers see now")
        equal(len(await models.describe("people")), 1, "older ones are gone")
        await models.begin("animals")
        equal([it async for it in models.list_models(page_size=1)], ["animals", "people"], "the read models")
        third = await models.begin("people")
        await models.delete("people", generation=third)
        await models.delete("people")
        equal([it async for it in models.list_models()], ["animals"], "what is left")


def _counter(client: AsyncClient, model: str, calls: list[int] | None = None, **options: Any) -> AsyncProjector:
    projector = AsyncProjector(client, model, **options)

    @projector.on("Noted")
    async def _count(noted: RecordedEvent, tx: AsyncTx) -> None:
        document = await tx.get("count", noted.stream) or {"events": 0, "sum": 0}
        document = {"events": document["events"] + 1, "sum": document["sum"] + noted.json()["n"]}
        tx.upsert("count", noted.stream, document)
        if calls is not None:
            calls.append(noted.position)

    @projector.on("Forgotten")
    def _forget(forgotten: RecordedEvent, tx: AsyncTx) -> None:
        tx.delete("count", forgotten.stream)

    return projector


async def _counted(client: AsyncClient, model: str) -> dict[str, Any]:
    return {it.id: it.json() async for it in client.read_models.list(model, "count")}


async def _is_at(client: AsyncClient, model: str, position: int) -> bool:
    try:
        generations = await client.read_models.describe(model)
    except QuipuError as error:
        if error.reason == "READ_MODEL_NOT_FOUND":
            return False
        raise
    return any(it.is_active and it.position >= position for it in generations)


async def projector(server: Server) -> None:
    """Each event has its effect once, over kills of server and projector, and while two of them contend."""
    total, streams = 1000, 5
    wanted = {f"s-{k}": {"events": total // streams, "sum": sum(range(k, total, streams))} for k in range(streams)}
    async with server.client(retry=RetryPolicy.forever()) as client:

        async def write() -> None:
            for begin in range(0, total, 10):
                for n in range(begin, begin + 10):
                    await client.append(f"s-{n % streams}", Expected.any(), [event(n)])
                if begin in (200, 500, 800):
                    await asyncio.to_thread(server.restart)

        async def project() -> None:
            """Run projectors one after the other: each is cancelled in the middle of whatever it does."""
            calls: list[int] = []
            for until in (50, 150, 333, 700, 900):
                running = asyncio.ensure_future(_counter(client, "counts", calls, batch_events=7).run())

                async def is_there(least: int = until) -> bool:
                    return bool(calls) and max(calls) >= least

                await eventually(is_there, f"a projector got to {until}")
                running.cancel()
                await asyncio.wait({running})
            rivals = [_counter(client, "counts", batch_events=7) for _ in range(2)]
            both = asyncio.gather(*(rival.run() for rival in rivals))
            await eventually(lambda: _is_at(client, "counts", total), "all is projected")
            for rival in rivals:
                await rival.stop()
            await soon(both, "the end of the projectors")

        await asyncio.gather(write(), project())
        equal(await _counted(client, "counts"), wanted, "the counts")
        await _goes_on(client, total, wanted)


async def _goes_on(client: AsyncClient, total: int, wanted: dict[str, Any]) -> None:
    """A running projector follows a rebuild into a new generation, moves over what it does not want, and stops."""
    follower = _counter(client, "counts", idle_positions=50)
    running = asyncio.ensure_future(follower.run())
    before = (await client.read_models.describe("counts"))[0].generation
    rebuilt = await _counter(client, "counts", batch_events=100).rebuild()
    true(there(rebuilt, "the new generation") > before, "a rebuild makes a new generation")
    active = await client.read_models.describe("counts")
    equal([(it.generation, it.is_active) for it in active], [(rebuilt, True)], "it is the only one")
    equal(await _counted(client, "counts"), wanted, "the counts of the new generation")

    await client.append("s-0", Expected.any(), [NewEvent("Forgotten")])
    await eventually(lambda: _is_at(client, "counts", total + 1), "the running one follows the rebuild")
    equal(sorted(await _counted(client, "counts")), ["s-1", "s-2", "s-3", "s-4"], "a document was deleted")
    await client.append("s-9", Expected.any(), [NewEvent("Unwanted") for _ in range(200)])
    await eventually(lambda: _is_at(client, "counts", total + 150), "the position moves without changes")
    await follower.stop()
    await soon(running, "the end of the projector")

    failing = AsyncProjector(client, "failing")

    @failing.on("Noted")
    def _fail(_: RecordedEvent, tx: AsyncTx) -> None:
        tx.upsert("count", "x", 1)
        raise ValueError("it never works")

    try:
        await soon(failing.run(), "the end of a projector that fails")
    except ValueError:
        equal(await client.read_models.get("failing", "count", "x"), None, "nothing of it is written")
    else:
        raise AssertionError("what a handler raises is raised")


async def replay(server: Server) -> None:
    """Batches are handed over once each, over a failure in the middle; a replay ends at its head or goes on."""
    async with server.client() as client:
        for n in range(100):
            await client.append(f"s-{n % 3}", Expected.any(), [event(n, "Even" if n % 2 == 0 else "Odd")])
        seen: list[int] = []
        sizes: list[int] = []

        async def keep(batch: list[RecordedEvent]) -> None:
            if len(seen) == 40:
                raise RuntimeError("killed")
            seen.extend(it.position for it in batch)
            sizes.append(len(batch))

        try:
            await client.replay("export", keep, batch_size=10)
        except RuntimeError:
            pass
        else:
            raise AssertionError("what the handler raises is raised")
        equal(there(await client.checkpoints.get("export"), "the checkpoint").position, 40, "where it was")
        server.restart()
        seen.append(0)
        done = await client.replay("export", keep, batch_size=25)
        equal((done.events, done.batches, done.position), (60, 3, 100), "what the second one did")
        equal(seen, [*range(1, 41), 0, *range(41, 101)], "each event once")
        equal(sizes, [10, 10, 10, 10, 25, 25, 10], "the sizes of the batches")
        again = await client.replay("export", keep)
        equal((again.events, again.position), (0, 100), "nothing is left")

        odd: list[int] = []

        def keep_odd(batch: list[RecordedEvent]) -> None:
            odd.extend(it.position for it in batch)

        done = await client.replay("odd", keep_odd, query=Query.types("Odd"), after_position=50, batch_size=7)
        equal(odd, list(range(52, 101, 2)), "what matches behind a position")
        equal(done.position, 100, "the checkpoint is at the head")
        begin = (await client.get_event(position=91)).recorded_at
        since: list[int] = []
        await client.replay("since", lambda batch: since.extend(it.position for it in batch), from_time=begin)
        true(91 in since and since[-1] == 100, "from a time")

        more: asyncio.Queue[int] = asyncio.Queue()

        def offer(batch: list[RecordedEvent]) -> None:
            for it in batch:
                more.put_nowait(it.position)

        following = asyncio.ensure_future(client.replay("follow", offer, after_position=99, follow=True))
        equal(await soon(more.get(), "the last event"), 100, "what is there")
        await client.append("s-1", Expected.any(), [event()])
        equal(await soon(more.get(), "the next event"), 101, "what comes")
        following.cancel()
        await asyncio.wait({following})

        async def steal(_: list[RecordedEvent]) -> None:
            await client.checkpoints.set("stolen", 7)

        error = await refused("WRONG_CHECKPOINT", client.replay("stolen", steal, batch_size=5))
        equal(error.detail, WrongCheckpoint("stolen", None, 7), "somebody else moves the checkpoint")
