"""Aggregates and upcasters."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

from quipu_client import (
    AsyncAggregate,
    AsyncClient,
    Expected,
    Fold,
    NewEvent,
    RecordedEvent,
    SnapshotEvery,
    Upcasters,
    UpcastFailed,
    UpcastLoop,
)

from .expecting import equal, refused, soon, true
from .server import Server


def _account(client: AsyncClient, **options: Any) -> AsyncAggregate[dict[str, int]]:
    fold: Fold[dict[str, int]] = Fold()

    @fold.on("Deposited")
    def deposited(state: dict[str, int], event: RecordedEvent) -> dict[str, int]:
        return {"total": state["total"] + event.json()["amount"], "count": state["count"] + 1}

    snapshots: SnapshotEvery[dict[str, int]] = SnapshotEvery(20)
    return AsyncAggregate(client, initial=lambda: {"total": 0, "count": 0}, apply=fold, snapshots=snapshots, **options)


async def aggregate(server: Server) -> None:
    """Writers of one stream decide each on the newest state; snapshots change nothing but the speed."""
    writers, each = 8, 15
    async with server.client() as client:
        accounts = _account(client, tries=1000)
        decided: list[int] = []

        def deposit(state: dict[str, int]) -> Iterable[NewEvent]:
            decided.append(state["count"])
            return [NewEvent("Deposited", {"amount": state["count"]})]

        async def write() -> int:
            return sum([(await accounts.execute("account-1", deposit)).tries for _ in range(each)])

        tries = await soon(asyncio.gather(*(write() for _ in range(writers))), "the writers")
        total = writers * each
        true(sum(tries) > total, "there were conflicts")
        equal(len(decided), sum(tries), "a decision for each try")
        loaded = await accounts.load("account-1")
        wanted = {"total": sum(range(total)), "count": total}
        equal((loaded.state, loaded.revision), (wanted, total - 1), "the state")

        await accounts.settle()
        loaded = await accounts.load("account-1")
        true(loaded.snapshot_revision is not None, "a snapshot was saved")
        full = await accounts.load("account-1", without_snapshot=True)
        equal((full.state, full.revision, full.snapshot_revision), (wanted, total - 1, None), "the same without")
        equal(loaded.state, full.state, "the same with")

        nothing = await accounts.execute("account-1", lambda _: [])
        equal((nothing.appended, nothing.revision), (None, total - 1), "a decision for nothing")
        empty = await accounts.load("account-2")
        equal((empty.state, empty.revision), ({"total": 0, "count": 0}, None), "a stream that is not there")
        await client.snapshots.save("account-1", total - 1, {"not": "ours"})
        equal((await accounts.load("account-1")).state, wanted, "a snapshot of another kind is passed over")
        await client.streams.delete("account-1")
        equal((await accounts.load("account-1")).revision, None, "a deleted stream begins anew")

        await _tries_are_bounded(server, client)


async def _tries_are_bounded(server: Server, client: AsyncClient) -> None:
    """Somebody who is always slower gives up after so many tries."""
    slow = _account(client, tries=3)
    tries = 0
    with server.blocking_client() as other:

        def decide(_: dict[str, int]) -> Iterable[NewEvent]:
            nonlocal tries
            tries += 1
            other.append("account-4", Expected.any(), [NewEvent("Deposited", {"amount": 1})])
            return [NewEvent("Deposited", {"amount": 1})]

        await refused("WRONG_EXPECTED_REVISION", slow.execute("account-4", decide))
    equal(tries, 3, "how often it was decided")


class _Warnings(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


async def upcasters(server: Server) -> None:
    """Old shapes come as new ones wherever events are read; chains that go in a loop or fail are told."""
    casts = Upcasters()

    @casts.on("Placed", "1", "2")
    def _named(data: Any) -> Any:
        return {**data, "currency": "EUR"}

    @casts.on("Placed", "2", "3")
    def _nested(data: Any) -> Any:
        return {"price": {"amount": data["total"], "currency": data["currency"]}}

    @casts.on("Moved", None, "9")
    def _moved(data: Any) -> Any:
        return {"to": data["to"]}

    @casts.on("Moved", "4", "9")
    def _moved_from_4(data: Any) -> Any:
        return {"to": data["target"]}

    try:
        casts.add("Placed", "3", "1", lambda data: data)
    except UpcastLoop as loop:
        true(loop.versions[0] == loop.versions[-1] and len(loop.versions) == 4, f"the loop: {loop.versions}")
    else:
        raise AssertionError("a loop is refused when it is registered")

    async with server.client(upcasters=casts) as client:
        warnings = _Warnings()
        logging.getLogger("quipu_client").addHandler(warnings)
        await client.append(
            "order-1",
            Expected.any(),
            [
                NewEvent("Placed", {"total": 1}),
                NewEvent("Placed", {"total": 2, "currency": "CHF"}, schema_version="2.1"),
                NewEvent("Placed", {"price": {"amount": 3, "currency": "USD"}}, schema_version="3"),
                NewEvent("Moved", {"to": "b", "by": "x"}, schema_version="1"),
                NewEvent("Moved", {"to": "c", "by": "x"}, schema_version="1"),
                NewEvent("Moved", {"target": "d"}, schema_version="4.2"),
                NewEvent("Other", {"as": "it is"}, schema_version="7"),
            ],
        )
        wanted = [
            {"price": {"amount": 1, "currency": "EUR"}},
            {"price": {"amount": 2, "currency": "CHF"}},
            {"price": {"amount": 3, "currency": "USD"}},
            {"to": "b"},
            {"to": "c"},
            {"to": "d"},
            {"as": "it is"},
        ]
        events = await client.read_stream("order-1").collect()
        equal([it.json() for it in events], wanted, "the newest shapes")
        equal([it.schema_version for it in events], ["3", "3", "3", "9", "9", "9", "7"], "and their versions")
        async with client.subscribe_all() as subscription:
            equal([(await anext(subscription)).json() for _ in wanted], wanted, "what a subscription gives")
        logging.getLogger("quipu_client").removeHandler(warnings)
        equal(len(warnings.said), 1, "one warning for each type and version that a default is taken for")
        async with server.client() as plain:
            stored = (await plain.get_event(position=1)).json()
        equal(stored, {"total": 1}, "what is stored is as it was")

        await client.append("order-2", Expected.any(), [NewEvent("Placed", {"no": "total"})])
        try:
            await client.read_stream("order-2").collect()
        except UpcastFailed as failure:
            told = (failure.type, failure.version, failure.position, type(failure.__cause__))
            equal(told, ("Placed", "2", 8, KeyError), "what failed, where and why")
        else:
            raise AssertionError("what an upcaster raises is told")
