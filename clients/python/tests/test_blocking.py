"""The blocking client against a real server: what is not the same as in the asyncio client is threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from conformance.server import Server
from quipu_client import (
    Aggregate,
    Expected,
    Fold,
    GroupSettings,
    NewEvent,
    Park,
    Projector,
    QuipuError,
    Reactor,
    Reconnected,
    RecordedEvent,
    RetryPolicy,
    SnapshotEvery,
    Tx,
)

PATIENCE = 20.0
QUICK = GroupSettings(max_tries=3, backoff=timedelta(milliseconds=10), backoff_max=timedelta(milliseconds=10))


def noted(*numbers: int) -> list[NewEvent]:
    return [NewEvent("Noted", {"n": n}) for n in numbers]


def in_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def ended(thread: threading.Thread) -> bool:
    thread.join(PATIENCE)
    return not thread.is_alive()


def test_events_are_appended_read_and_followed(server: Server) -> None:
    with server.blocking_client() as client:
        client.append("s-1", Expected.no_stream(), noted(*range(10)))
        assert [event.revision for event in client.read_stream("s-1", backwards=True, limit=2)] == [9, 8]
        assert sum(len(batch) for batch in client.read_all().batches()) == 10
        with pytest.raises(QuipuError, match="WRONG_EXPECTED_REVISION"):
            client.append("s-1", Expected.no_stream(), noted(1))
        assert list(client.streams.list()) == ["s-1"]
        with client.subscribe_all() as subscription:
            assert [next(subscription).position for _ in range(10)] == list(range(1, 11))
            server.restart()
            client.append("s-1", Expected.any(), noted(10))
            assert any(isinstance(message, Reconnected) for message in subscription.messages())
            assert next(subscription).position == 11


def test_a_subscription_ends_when_another_thread_closes_it(server: Server) -> None:
    with server.blocking_client() as client:
        subscription = client.subscribe_all()
        subscription.next_message()
        thread = in_thread(lambda: list(subscription))
        subscription.close()
        assert ended(thread)


def test_many_threads_decide_on_one_stream(server: Server) -> None:
    with server.blocking_client() as client:
        fold: Fold[int] = Fold()
        fold.on("Noted")(lambda count, _: count + 1)
        counter = Aggregate(client, initial=int, apply=fold, snapshots=SnapshotEvery(5), tries=1000)
        with ThreadPoolExecutor(4) as pool:
            for _ in range(40):
                pool.submit(counter.execute, "s-1", lambda count: noted(count))
        counter.settle()
        assert [event.json()["n"] for event in client.read_stream("s-1")] == list(range(40))
        with_snapshot, without = counter.load("s-1"), counter.load("s-1", without_snapshot=True)
        assert with_snapshot.snapshot_revision is not None
        assert (with_snapshot.state, without.state) == (40, 40)


def test_a_reactor_settles_over_a_kill_and_stops_when_it_is_told(server: Server) -> None:
    with server.blocking_client(retry=RetryPolicy.forever()) as client:
        done = threading.Event()
        seen: set[int] = set()
        reactor = Reactor(client, "workers", settings=QUICK, concurrency=3)

        @reactor.on("Noted")
        def _note(event: RecordedEvent) -> None:
            if event.json()["n"] == 7:
                raise Park("seven")
            seen.add(event.json()["n"])
            if len(seen) == 39:
                done.set()

        thread = in_thread(reactor.run)
        for n in range(40):
            client.append(f"s-{n % 4}", Expected.any(), noted(n))
            if n == 20:
                server.restart()
        assert done.wait(PATIENCE)
        reactor.stop()
        assert ended(thread)
        assert [parked.reason for parked in client.consumers.list_parked("workers")] == ["seven"]
        assert reactor.metrics.parked == 1
        assert reactor.metrics.in_flight == 0
        # What was in hand when it stopped is settled: nobody gets it again.
        assert list(client.consumers.fetch("workers", "other", timeout=0)) == []


def test_a_handler_that_is_a_coroutine_function_is_refused_by_failing(server: Server) -> None:
    with server.blocking_client() as client:
        reactor = Reactor(client, "workers", settings=QUICK)

        async def never(_: RecordedEvent) -> None: ...

        reactor.on("Noted")(never)
        client.append("s-1", Expected.any(), noted(1))
        thread = in_thread(reactor.run)
        wait_until(lambda: reactor.metrics.parked == 1)
        reactor.stop()
        assert ended(thread)


def test_a_projector_projects_once_and_rebuilds(server: Server) -> None:
    with server.blocking_client(retry=RetryPolicy.forever()) as client:

        def projector() -> Projector:
            made = Projector(client, "counts", batch_events=7)

            @made.on("Noted")
            def _count(event: RecordedEvent, tx: Tx) -> None:
                tx.upsert("count", event.stream, (tx.get("count", event.stream) or 0) + 1)

            return made

        running = projector()
        thread = in_thread(running.run)
        for n in range(50):
            client.append(f"s-{n % 2}", Expected.any(), noted(n))
            if n == 25:
                server.restart()
        wait_until(lambda: client.read_models.describe("counts")[0].position >= 50)
        running.stop()
        assert ended(thread)
        assert projector().rebuild() == 2
        documents = {document.id: document.json() for document in client.read_models.list("counts")}
        assert documents == {"s-0": 25, "s-1": 25}


def test_a_replay_goes_on_behind_its_checkpoint(server: Server) -> None:
    with server.blocking_client() as client:
        client.append("s-1", Expected.any(), noted(*range(10)))
        sizes: list[int] = []

        def keep(batch: list[RecordedEvent]) -> None:
            if len(sizes) == 2:
                raise RuntimeError("stopped")
            sizes.append(len(batch))

        with pytest.raises(RuntimeError):
            client.replay("export", keep, batch_size=3)
        done = client.replay("export", lambda batch: sizes.append(len(batch)), batch_size=3)
        assert (sizes, done.position) == ([3, 3, 3, 1], 10)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = threading.Event()
    timer = threading.Timer(PATIENCE, deadline.set)
    timer.start()
    while not condition():
        assert not deadline.wait(0.01), "it never came to be so"
    timer.cancel()
