# Made from ../aio by tools/unasync.py.
"""Exactly-once projection into a read model.

Owns `Projector`: it subscribes behind the read model's position, applies events to a batch, and writes the batch
together with the position, on condition of the position before. Whoever lost track, through a crash of either side
or since somebody else is projecting, begins again behind the read model's position.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from ..batch import Batch
from ..errors import QuipuError
from ..event import RecordedEvent
from ..message import CaughtUp, Checkpoint, Events, FellBehind, Heartbeat, Reconnected
from ..query import Query, QueryItem
from ..read_model import Document, NewDocument
from ..retry import RetryPolicy
from ..versions import Versions
from ..wire import is_json
from .client import SILENCE, Client
from .concurrency import Done, Flag, finish
from .subscription import Subscription

_log = logging.getLogger("quipu_client")

_TYPES_PER_ITEM = 64
_LOST_TRACK = ("WRONG_READ_MODEL_POSITION", "READ_MODEL_NOT_FOUND")


class Tx:
    """What a handler sees and changes of a read model. Its changes are written together with the event's position."""

    def __init__(self, client: Client, model: str, generation: int, batch: Batch) -> None:
        self._client = client
        self._model = model
        self._generation = generation
        self._batch = batch

    def get(self, type: str, id: str) -> Any:  # noqa: A002
        """A document, out of JSON (of other media types its bytes), with what was changed before; none if none."""
        key = (type, id)
        if not self._batch.knows(key):
            self._batch.learn(key, self._read(type, id))
        document = self._batch.document(key)
        if document is None:
            return None
        return document.json() if is_json(document.content_type) else document.data

    def upsert(self, type: str, id: str, data: object, content_type: str = "") -> None:  # noqa: A002
        """Write a document: bytes as they are, anything else as JSON."""
        self._batch.upsert(NewDocument(type, id, data, content_type))

    def delete(self, type: str, id: str) -> None:  # noqa: A002
        """Take a document away. It does not matter whether it is there."""
        self._batch.delete((type, id))

    def _read(self, type: str, id: str) -> Document | None:  # noqa: A002
        return self._client.read_models.get(self._model, type, id, generation=self._generation)


Handler = Callable[[RecordedEvent, Tx], Done]
"""Changes documents by one event, and nothing else: it is called again when a write does not go in."""
H = TypeVar("H", bound=Handler)


class Projector:
    """Makes a read model of events. Register handlers before `run` or `rebuild`."""

    def __init__(
        self,
        client: Client,
        model: str,
        *,
        query: Query | None = None,
        batch_events: int = 500,
        batch_bytes: int = 4 << 20,
        idle_positions: int = 1000,
        silence: float = SILENCE,
    ) -> None:
        """A projector of this read model.

        `query`: which events; those of the types that handlers are registered for by default. `batch_events`,
        `batch_bytes`: what a write holds at most, about, while it catches up; then each delivery is written at once.
        `idle_positions`: the read model's position moves at least every so many, also when nothing changes.
        """
        self.model = model
        self._client = client
        self._query = query
        self._batch_events = batch_events
        self._batch_bytes = batch_bytes
        self._idle_positions = idle_positions
        self._silence = silence
        self._handlers: Versions[Handler] = Versions("handler")
        self._stopping = Flag()
        self._subscription: Subscription | None = None
        self._failures = 0

    def on(self, event_type: str, version: str | None = None) -> Callable[[H], H]:
        """Register a handler for a type, and for a version of it where one is given. A decorator.

        Several for one type are called in this order. One that raises ends the projection: nothing is skipped.
        """

        def register(handler: H) -> H:
            self._handlers.add(event_type, version, handler)
            return handler

        return register

    def run(self) -> None:
        """Project into the active generation until `stop`, over breaks and restarts of the server.

        Raises what a handler or an upcaster raises, and errors of the server that time does not mend.
        """
        while not self._stopping.is_set:
            try:
                generation, position = self._find()
                self._project(generation, position, until_caught_up=False)
            except QuipuError as error:
                self._note_break(error)

    def stop(self) -> None:
        """End `run` or `rebuild`. What is not written is projected again by the next one."""
        self._stopping.set()
        subscription = self._subscription
        if subscription is not None:
            subscription.close()

    def rebuild(self) -> int | None:
        """Project from zero into a new generation until it has caught up, then show it to readers.

        Returns its number; none when it was stopped before. Meanwhile `run` of another projector may go on.
        """
        generation, position = self._client.read_models.begin(self.model), 0
        while not self._stopping.is_set:
            try:
                position = self._project(generation, position, until_caught_up=True)
                if self._stopping.is_set:
                    break
                self._client.read_models.switch(self.model, generation, expected_position=position)
                return generation
            except QuipuError as error:
                self._note_break(error)
                position = self._position_of(generation)
        return None

    def _find(self) -> tuple[int, int]:
        """The active generation and its position; 0 of both when there is none yet."""
        try:
            generations = self._client.read_models.describe(self.model)
        except QuipuError as error:
            if error.reason in ("READ_MODEL_NOT_FOUND", "TENANT_NOT_FOUND"):
                return 0, 0
            raise
        active = next((it for it in generations if it.is_active), None)
        return (0, 0) if active is None else (active.generation, active.position)

    def _position_of(self, generation: int) -> int:
        generations = self._client.read_models.describe(self.model)
        return next(it.position for it in generations if it.generation == generation)

    def _project(self, generation: int, position: int, *, until_caught_up: bool) -> int:
        """Project behind a position; returns the position when it has caught up, or was stopped."""
        subscription = self._client.subscribe_all(after_position=position, query=self._wanted(), silence=self._silence)
        self._subscription = subscription
        batch = Batch(position)
        is_live = False
        try:
            for message in subscription.messages():
                match message:
                    case Events(events):
                        for event in events:
                            self._apply(event, Tx(self._client, self.model, generation, batch))
                            batch.move(event.position)
                            batch.events += 1
                            if batch.events >= self._batch_events or batch.bytes >= self._batch_bytes:
                                generation, batch = self._write(generation, batch)
                        is_due = is_live
                    case CaughtUp():
                        batch.move(message.position)
                        is_live = is_due = True
                    case Checkpoint() | Heartbeat():
                        batch.move(message.position)
                        moved = batch.position - batch.expected_position
                        is_due = moved >= self._idle_positions or isinstance(message, Heartbeat)
                    case FellBehind() | Reconnected():
                        is_live = is_due = False
                if is_due and batch.has_moved:
                    generation, batch = self._write(generation, batch)
                if until_caught_up and isinstance(message, CaughtUp):
                    break
                if self._stopping.is_set:
                    break
        finally:
            self._subscription = None
            subscription.close()
        return batch.expected_position

    def _apply(self, event: RecordedEvent, tx: Tx) -> None:
        if event.type in self._handlers.types:
            event = self._client.connection.upcast(event)
            for handler in self._handlers.find(event.type, event.schema_version):
                finish(handler(event, tx))

    def _write(self, generation: int, batch: Batch) -> tuple[int, Batch]:
        written = self._client.read_models.write(
            self.model,
            expected_position=batch.expected_position,
            position=batch.position,
            upserts=batch.upserts,
            deletes=batch.deletes,
            generation=generation,
        )
        self._failures = 0
        return written, Batch(batch.position)

    def _note_break(self, error: QuipuError) -> None:
        """Let some time pass before beginning again, or raise what time does not mend."""
        if not error.is_retryable and error.reason not in _LOST_TRACK:
            raise error
        self._failures += 1
        seconds = RetryPolicy.forever().pause(self._failures)
        _log.debug("read model %s: %s; beginning again in %.3f s", self.model, error, seconds)
        self._stopping.wait(seconds)

    def _wanted(self) -> Query:
        if self._query is not None:
            return self._query
        types = self._handlers.types
        items = [
            QueryItem(types=types[begin : begin + _TYPES_PER_ITEM]) for begin in range(0, len(types), _TYPES_PER_ITEM)
        ]
        return Query(*items) if items else Query.all()
