"""A read in progress.

Owns `AsyncStreamReading` and `AsyncLogReading`, two faces of one machine. The last message of a read carries the
head; an end without it means that the connection broke, and the read goes on behind what it has delivered.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncIterator

from .. import proto
from ..cursor import ReadPlace, ReadRequest
from ..errors import QuipuError
from ..event import RecordedEvent
from ..rpc import READ_ALL, READ_STREAM
from ..snapshot import Snapshot
from .concurrency import pause
from .connection import AsyncConnection
from .transport import Responses

_log = logging.getLogger("quipu_client")


class _AsyncReading:
    """The machine. It begins with the first event that is asked for; then it is pinned to the head."""

    def __init__(self, connection: AsyncConnection, request: ReadRequest) -> None:
        self._connection = connection
        self._place = ReadPlace(request)
        self._responses: Responses[proto.ReadStreamResponse | proto.ReadAllResponse] | None = None
        self._events: deque[RecordedEvent] = deque()
        self._snapshot: Snapshot | None = None
        self._head: int | None = None
        self._has_begun = False
        self._has_ended = False
        self._failures = 0

    def __aiter__(self) -> AsyncIterator[RecordedEvent]:
        return self

    async def __anext__(self) -> RecordedEvent:
        """The next event, upcasted."""
        while not self._events:
            if not await self._receive():
                raise StopAsyncIteration
        return self._connection.upcast(self._events.popleft())

    async def batches(self) -> AsyncIterator[list[RecordedEvent]]:
        """The events as they come over the wire, about 1 MiB together and never empty: the fast way to read much."""
        while self._events or await self._receive():
            if self._events:
                batch = [self._connection.upcast(event) for event in self._events]
                self._events.clear()
                yield batch

    async def collect(self) -> list[RecordedEvent]:
        """All events that are left."""
        return [event async for event in self]

    async def close(self) -> None:
        """End the read. A read that is dropped ends, too."""
        self._end()

    def _end(self) -> None:
        self._has_ended = True
        if self._responses is not None:
            self._responses.close()
            self._responses = None

    async def _begin(self) -> None:
        while not self._has_begun and await self._receive():
            pass

    async def _receive(self) -> bool:
        """Take one message; false when there is none any more."""
        while not self._has_ended:
            try:
                return await self._attempt()
            except QuipuError as error:
                self._responses = None
                if self._place.is_over:
                    break
                self._failures += 1
                if not error.is_retryable or not self._connection.settings.retry.allows(self._failures):
                    self._has_ended = True
                    raise
                seconds = self._connection.settings.retry.pause(self._failures)
                _log.debug("a read broke: %s; going on in %.3f s", error, seconds)
            await pause(seconds)
        self._has_ended = True
        return False

    async def _attempt(self) -> bool:
        if self._responses is None:
            self._responses = self._open(self._place.request)
        message = await self._responses.next()
        if message is None:
            raise QuipuError.unavailable("the read was cut short")
        self._failures = 0
        self._has_begun = True
        events = [RecordedEvent.from_wire(event) for event in message.events]
        begins_at = None
        if isinstance(message, proto.ReadStreamResponse):
            if message.HasField("snapshot"):
                self._snapshot = Snapshot.from_wire(message.snapshot)
                begins_at = self._snapshot.revision
            head = message.head_revision if message.HasField("head_revision") else None
        else:
            head = message.head if message.HasField("head") else None
        self._place.move(events, begins_at)
        self._events.extend(events)
        if head is not None:
            # All there is has come: how the call ends no longer matters.
            self._head = head
            self._end()
        return True

    def _open(self, request: ReadRequest) -> Responses[proto.ReadStreamResponse | proto.ReadAllResponse]:
        if isinstance(request, proto.ReadStreamRequest):
            return self._connection.stream(READ_STREAM, request)
        return self._connection.stream(READ_ALL, request)


class AsyncStreamReading(_AsyncReading):
    """A read of one stream. Iterate it for its events."""

    async def snapshot(self) -> Snapshot | None:
        """The snapshot that the read begins with, if it was asked for and there is one."""
        await self._begin()
        return self._snapshot

    @property
    def head_revision(self) -> int | None:
        """The revision of the stream's last event when the read began. Known after the end."""
        return self._head


class AsyncLogReading(_AsyncReading):
    """A read of the log. Iterate it for its events."""

    @property
    def head(self) -> int | None:
        """The head that the read was pinned to, 0 when the log was empty. Known after the end."""
        return self._head
