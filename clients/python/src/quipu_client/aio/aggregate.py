"""The state of one stream, and decisions on it.

Owns `AsyncAggregate`: loads a state from the newest snapshot and the events behind it, has somebody decide, and
appends what was decided on condition that the stream is still as it was loaded.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from ..aggregate import KIND, Executed, Loaded, SnapshotEvery
from ..errors import QuipuError
from ..event import NewEvent
from ..expected import Expected
from ..fold import Apply
from ..snapshot import Snapshot
from .client import AsyncClient
from .concurrency import Workers
from .reading import AsyncStreamReading
from .streams import ABSENT

_log = logging.getLogger("quipu_client")

State = TypeVar("State")


class AsyncAggregate(Generic[State]):
    """Streams of one kind, and how their states come about."""

    def __init__(
        self,
        client: AsyncClient,
        *,
        initial: Callable[[], State],
        apply: Apply[State],
        snapshots: SnapshotEvery[State] | None = None,
        tries: int = 10,
    ) -> None:
        """Fold events by `apply`, a function or a `Fold`, beginning with `initial()`.

        `snapshots`: when and how states are saved; never by default. `tries`: how often a decision is made anew
        when somebody else was faster.
        """
        self._client = client
        self._initial = initial
        self._apply = apply
        self._snapshots = snapshots
        self._tries = tries
        self._saving = Workers()
        self._being_saved: set[str] = set()

    async def load(self, stream: str, *, without_snapshot: bool = False) -> Loaded[State]:
        """The state as it is now; the initial one, at no revision, when the stream has no event or was deleted.

        It is the same with and without snapshots. Events are upcasted as the client is told to.
        """
        use = self._snapshots is not None and not without_snapshot
        reading = self._client.read_stream(stream, with_snapshot=use)
        try:
            snapshot = await reading.snapshot()
            if snapshot is None:
                return await self._fold(reading, Loaded(self._initial(), None, None))
            restored = self._restore(snapshot)
            if restored is not None:
                return await self._fold(reading, restored)
        except QuipuError as error:
            if error.reason in ABSENT:
                return Loaded(self._initial(), None, None)
            raise
        await reading.close()
        return await self.load(stream, without_snapshot=True)

    async def execute(self, stream: str, decide: Callable[[State], Iterable[NewEvent]]) -> Executed[State]:
        """Load, decide, append; once more on what is new when somebody else was faster.

        `decide` gets the state and returns events, or none to leave everything as it is; what it raises is raised
        here. It may be called several times. WRONG_EXPECTED_REVISION when the tries are used up.
        """
        loaded = await self.load(stream)
        attempt = 1
        while True:
            events = list(decide(loaded.state))
            if not events:
                return Executed(loaded.state, loaded.revision, None, attempt)
            expected = Expected.no_stream() if loaded.revision is None else Expected.revision(loaded.revision)
            try:
                appended = await self._client.append(stream, expected, events)
            except QuipuError as error:
                if error.reason != "WRONG_EXPECTED_REVISION" or attempt >= self._tries:
                    raise
                attempt += 1
                loaded = await self._reload(stream, loaded)
                continue
            if self._is_due(loaded, appended.last_revision) and stream not in self._being_saved:
                self._being_saved.add(stream)
                self._saving.spawn(self._save, stream)
            return Executed(loaded.state, appended.last_revision, appended, attempt)

    async def settle(self) -> None:
        """Wait for the snapshots that are being saved in the background."""
        await self._saving.join()

    async def _reload(self, stream: str, loaded: Loaded[State]) -> Loaded[State]:
        """The state with what is new. The last known event is read again: without it, the stream was cut."""
        if loaded.revision is None:
            return await self.load(stream)
        reading = self._client.read_stream(stream, from_revision=loaded.revision)
        try:
            known = await anext(aiter(reading), None)
            if known is not None and known.revision == loaded.revision:
                return await self._fold(reading, loaded)
        except QuipuError as error:
            if error.reason not in ABSENT:
                raise
        await reading.close()
        return await self.load(stream)

    async def _fold(self, reading: AsyncStreamReading, begin: Loaded[State]) -> Loaded[State]:
        state = begin.state
        async for event in reading:
            state = self._apply(state, event)
        return Loaded(state, reading.head_revision, begin.snapshot_revision)

    def _restore(self, snapshot: Snapshot) -> Loaded[State] | None:
        """The state in a snapshot; none when it is not of this kind."""
        if self._snapshots is None or not self._snapshots.made(snapshot):
            return None
        return Loaded(self._snapshots.restore(snapshot.json()), snapshot.revision, snapshot.revision)

    def _is_due(self, loaded: Loaded[Any], last_revision: int) -> bool:
        if self._snapshots is None:
            return False
        since = -1 if loaded.snapshot_revision is None else loaded.snapshot_revision
        return last_revision - since >= self._snapshots.events

    async def _save(self, stream: str) -> None:
        """Save the state as it is now; what goes wrong is logged, since the next one may go well."""
        try:
            loaded = await self.load(stream)
            if loaded.revision is not None and self._snapshots is not None:
                data = self._snapshots.dump(loaded.state)
                await self._client.snapshots.save(
                    stream, loaded.revision, data, metadata=KIND, schema_version=self._snapshots.version
                )
        except Exception as failure:
            _log.warning("the snapshot of %s was not saved", stream, exc_info=failure)
        finally:
            self._being_saved.discard(stream)
