"""Snapshots, folded states, checkpoints, and the lives of streams."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from quipu_client import (
    Expected,
    ExpectedCheckpoint,
    LimitExceeded,
    NewEvent,
    NotFoldable,
    SnapshotPolicy,
    StreamMetadata,
    WrongCheckpoint,
)

from .appending import event
from .expecting import equal, eventually, refused, soon, there, true
from .server import Server


async def snapshots(server: Server) -> None:
    """Snapshots are kept, found by revision, listed, deleted, and as durable as events."""
    async with server.client() as client:
        await refused("SNAPSHOT_NOT_FOUND", client.snapshots.get("s-1"))
        await refused("STREAM_NOT_FOUND", client.snapshots.save("s-1", 0, {}))
        await client.append("s-1", Expected.any(), [event(n) for n in range(10)])
        await refused("SNAPSHOT_AHEAD", client.snapshots.save("s-1", 10, {}))
        for revision in (2, 5, 8):
            metadata = {"by": "test"}
            await client.snapshots.save("s-1", revision, {"at": revision}, metadata=metadata, schema_version="3")
        newest = await client.snapshots.get("s-1")
        equal((newest.stream, newest.revision, newest.json()), ("s-1", 8, {"at": 8}), "the newest")
        equal((newest.metadata, newest.schema_version), ({"by": "test"}, "3"), "what is kept with it")
        equal((await client.snapshots.get("s-1", at_or_before_revision=7)).revision, 5, "at or before a revision")
        infos = await client.snapshots.list("s-1")
        equal([info.revision for info in infos], [8, 5, 2], "the list, newest first")
        true(all(info.size_bytes > 0 for info in infos), "their sizes")
        server.restart()
        equal((await client.snapshots.get("s-1")).json(), {"at": 8}, "it survives a kill")
        equal(await client.snapshots.delete("s-1", revision=5), 1, "one is deleted")
        equal(await client.snapshots.delete("s-1"), 2, "the others are deleted")
        await refused("SNAPSHOT_NOT_FOUND", client.snapshots.delete("s-1"))
        await client.snapshots.save("s-1", 9, b"\x00\xff", content_type="application/octet-stream")
        raw = await client.snapshots.get("s-1")
        equal((raw.data, raw.content_type), (b"\x00\xff", "application/octet-stream"), "bytes as they are")


async def state(server: Server) -> None:
    """The server folds a stream to its state, as of any event, with and without snapshots, and saves by policy."""
    async with server.client() as client:
        patches = [{"name": "ada", "tags": [1]}, {"city": "turin"}, {"tags": [2], "city": None}]
        await client.append("user-1", Expected.any(), [NewEvent("Changed", patch) for patch in patches])
        folded = await client.snapshots.get_state("user-1")
        equal(folded.json(), {"name": "ada", "tags": [2]}, "the state")
        equal((folded.revision, folded.snapshot_revision, folded.events), (2, None, 3), "how it was made")
        earlier = await client.snapshots.get_state("user-1", revision=1)
        equal(earlier.json(), {"name": "ada", "tags": [1], "city": "turin"}, "the state as of an event")
        second = await client.get_event(position=2)
        by_time = await client.snapshots.get_state("user-1", time=second.recorded_at + timedelta(days=1))
        equal(by_time.json(), folded.json(), "the state as of a time")
        await refused("BEYOND_END", client.snapshots.get_state("user-1", revision=9))
        await refused("STREAM_NOT_FOUND", client.snapshots.get_state("user-2"))
        await client.append("blob-1", Expected.any(), [event(), NewEvent("Raw", b"\xff")])
        error = await refused("NOT_FOLDABLE", client.snapshots.get_state("blob-1"))
        equal(error.detail, NotFoldable("blob-1", 1, False), "what cannot be folded")

        await client.snapshots.set_policy("user", 5)
        equal(await client.snapshots.list_policies(), [SnapshotPolicy("user", 5)], "the policies")
        await client.append("user-1", Expected.any(), [NewEvent("Changed", {"n": n}) for n in range(7)])

        async def is_saved() -> bool:
            return bool(await client.snapshots.list("user-1"))

        await eventually(is_saved, "the policy has saved a snapshot")
        short = await client.snapshots.get_state("user-1")
        true(short.snapshot_revision is not None and short.events < 10, "it begins with the snapshot")
        full = await client.snapshots.get_state("user-1", without_snapshot=True)
        equal((full.json(), full.snapshot_revision, full.events), (short.json(), None, 10), "it is the same without")
        await client.snapshots.delete_policy("user")
        equal(await client.snapshots.list_policies(), [], "no policy is left")
        await refused("POLICY_NOT_FOUND", client.snapshots.delete_policy("user"))
        await refused("INVALID_ARGUMENT", client.snapshots.set_policy("user", 1))


async def checkpoints(server: Server) -> None:
    """Checkpoints are set on condition, survive kills, are listed and waited for."""
    async with server.client() as client:
        await client.append("s-1", Expected.any(), [event(n) for n in range(10)])
        equal(await client.checkpoints.get("mailer"), None, "there is none yet")
        set_at = await client.checkpoints.set("mailer", 3, ExpectedCheckpoint.no_checkpoint())
        equal((set_at.name, set_at.position), ("mailer", 3), "what was set")
        error = await refused(
            "WRONG_CHECKPOINT", client.checkpoints.set("mailer", 5, ExpectedCheckpoint.no_checkpoint())
        )
        equal(error.detail, WrongCheckpoint("mailer", None, 3), "what is so instead")
        true(error.is_conflict, "it is a conflict")
        await client.checkpoints.set("mailer", 5, ExpectedCheckpoint.at(3))
        await client.checkpoints.set("mailer", 4)
        await refused("BEYOND_END", client.checkpoints.set("mailer", 11))
        server.restart()
        equal(there(await client.checkpoints.get("mailer"), "the checkpoint").position, 4, "it survives a kill")

        for n in range(5):
            await client.checkpoints.set(f"worker-{n}", n)
        names = [it.name async for it in client.checkpoints.list("worker-", page_size=2)]
        equal(names, [f"worker-{n}" for n in range(5)], "the list, over pages")
        equal(len([it async for it in client.checkpoints.list()]), 6, "all of them")
        await client.checkpoints.delete("worker-0")
        await refused("CHECKPOINT_NOT_FOUND", client.checkpoints.delete("worker-0"))

        waiting = asyncio.ensure_future(client.checkpoints.wait("mailer", 8))
        late = await client.checkpoints.wait("mailer", 9, timeout=0.05)
        equal((late.reached, late.position), (False, 4), "a wait whose time is over")
        await client.checkpoints.set("mailer", 8)
        outcome = await soon(waiting, "the checkpoint")
        equal((outcome.reached, outcome.position), (True, 8), "a wait that ended")


async def stream_life(server: Server) -> None:
    """Streams are described, cut by metadata, deleted, revived and ended for good."""
    async with server.client() as client:
        await client.append("order-1", Expected.any(), [event(n) for n in range(5)])
        await client.append("order-2", Expected.any(), [event()])
        await client.append("letter-1", Expected.any(), [event()])
        info = await client.streams.get("order-1")
        equal((info.first_revision, info.head_revision, info.event_count), (0, 4, 5), "what is known of it")
        equal((info.last_position, info.metadata), (5, None), "and its end")
        equal(await client.streams.find("order-9"), None, "one that is not there")
        equal([it async for it in client.streams.list("order", page_size=1)], ["order-1", "order-2"], "by prefix")
        equal([it async for it in client.streams.list(category="letter")], ["letter-1"], "by category")

        metadata = StreamMetadata(timedelta(days=30), 4, 2, {"owner": "ada"})
        await client.streams.set_metadata("order-1", metadata, Expected.revision(4))
        info = await client.streams.get("order-1")
        equal((info.first_revision, info.event_count, info.metadata), (2, 3, metadata), "what the metadata leaves")
        await refused(
            "WRONG_EXPECTED_REVISION", client.streams.set_metadata("order-1", StreamMetadata(), Expected.no_stream())
        )
        await client.streams.set_metadata("order-1", None)
        equal((await client.streams.get("order-1")).event_count, 5, "without metadata all is there again")

        await refused("WRONG_EXPECTED_REVISION", client.streams.delete("order-1", Expected.revision(1)))
        position = await client.streams.delete("order-1", Expected.revision(4))
        equal(await client.streams.delete("order-1"), position, "again, it changes nothing")
        await refused("STREAM_DELETED", client.read_stream("order-1").collect())
        await refused("STREAM_NOT_FOUND", client.streams.delete("order-9"))
        await client.append("order-1", Expected.no_stream(), [event(9)])
        revived = await client.read_stream("order-1").collect()
        equal([(it.revision, it.json()["n"]) for it in revived], [(5, 9)], "an append revives it without what was")

        await client.streams.tombstone("order-2")
        await refused("STREAM_TOMBSTONED", client.append("order-2", Expected.any(), [event()]))
        await refused("STREAM_TOMBSTONED", client.read_stream("order-2").collect())
        await client.streams.tombstone("never-1")
        await refused("STREAM_TOMBSTONED", client.append("never-1", Expected.any(), [event()]))


async def statistics(server: Server) -> None:
    """Counts by type, category and day are those of the log."""
    async with server.client() as client:
        await client.append("order-1", Expected.any(), [event(n, "Placed") for n in range(3)])
        await client.append("letter-1", Expected.any(), [event(0, "Sent"), event(0, "Placed")])
        counts = await client.streams.statistics()
        equal((counts.events, counts.streams), (5, 2), "events and streams")
        equal(dict(counts.types), {"Placed": 4, "Sent": 1}, "by type")
        equal(dict(counts.categories), {"order": 3, "letter": 2}, "by category")
        equal(sum(counts.days.values()), 5, "by day")
        equal((counts.events_of_other_types, counts.events_of_other_categories), (0, 0), "nothing is left out")
        types = [it async for it in client.streams.list_event_types(page_size=1)]
        equal(types, [("Placed", 4), ("Sent", 1)], "types with their counts, over pages")
        equal([it async for it in client.streams.list_event_types("S")], [("Sent", 1)], "by prefix")
        info = await client.server_info()
        equal((info.engine, info.durability, info.head), ("segments", "synced", 5), "the server's facts")


async def errors(server: Server) -> None:
    """What is wrong with a request is told by a reason, with values where a program would want them."""
    async with server.client() as client:
        limits = (await client.server_info()).limits

        async def append(stream: str, *events: NewEvent) -> None:
            await client.append(stream, Expected.any(), list(events))

        await refused("INVALID_ARGUMENT", append("", event()))
        await refused("INVALID_ARGUMENT", append("$mine", event()))
        await refused("INVALID_ARGUMENT", append("a\nb", event()))
        await refused("INVALID_ARGUMENT", append("s-1"))
        await refused("INVALID_ARGUMENT", append("s-1", NewEvent("")))
        await refused("INVALID_ARGUMENT", append("s-1", NewEvent("T", id="no uuid")))
        await refused("INVALID_ARGUMENT", append("s-1", NewEvent("T", tags=["twice", "twice"])))
        longest = limits.event_type_bytes
        error = await refused("LIMIT_EXCEEDED", append("s-1", NewEvent("T" * (longest + 1))))
        equal(error.detail, LimitExceeded("event_type_bytes", longest, longest + 1), "the limit")
        await refused("LIMIT_EXCEEDED", append("s" * (limits.stream_name_bytes + 1), event()))
        await refused("LIMIT_EXCEEDED", append("s-1", NewEvent("T", b"x" * (limits.data_bytes + 1))))
        await refused("INVALID_ARGUMENT", client.checkpoints.set("$mine", 0))
        await refused("INVALID_ARGUMENT", client.streams.get("$\n"))
        await refused("INVALID_ARGUMENT", client.get_event(id="no uuid"))
        await refused("EVENT_NOT_FOUND", client.get_event(id="00000000-0000-4000-8000-000000000000"))
        await refused("INVALID_ARGUMENT", client.consumers.create(""))
        await refused("READ_MODEL_NOT_FOUND", client.read_models.describe("none"))
        equal((await client.server_info()).head, 0, "what was refused changed nothing")
        for wrong in (float("nan"), object(), {1, 2}):
            try:
                NewEvent("T", wrong)
            except (TypeError, ValueError):
                continue
            raise AssertionError(f"{wrong!r} has no JSON form")
