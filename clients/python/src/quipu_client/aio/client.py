"""The handle that every call starts from.

Owns `AsyncClient`: appends, reads and subscriptions, and the parts that speak of other things.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime

import grpc

from .. import proto, rpc
from ..appended import Appended, StreamAppend, Transacted
from ..cursor import LogCursor, StreamCursor
from ..event import NewEvent, RecordedEvent
from ..expected import Expected
from ..query import Guard, Query, guards_to_wire
from ..replayed import Replayed
from ..retry import RetryPolicy
from ..server_info import ServerInfo
from ..settings import ConnectionSettings
from ..upcasters import Upcasters
from ..wire import time_to_wire, until_to_wire
from .checkpoints import AsyncCheckpoints
from .connection import AsyncConnection
from .consumers import AsyncConsumers
from .read_models import AsyncReadModels
from .reading import AsyncLogReading, AsyncStreamReading
from .replay import Handler, replay
from .snapshots import AsyncSnapshots
from .streams import AsyncStreams
from .subscription import AsyncSubscription, Cursor

SILENCE = 45.0
"""Seconds after which a silent subscription is given up: three heartbeats of a server with default settings."""


class AsyncClient:
    """A connection to a server, for one tenant. Every failed call raises `QuipuError`."""

    def __init__(
        self,
        address: str = "127.0.0.1:2113",
        *,
        tenant: str | None = None,
        timeout: float = 30.0,
        tls: bool | grpc.ChannelCredentials = False,
        keepalive: float = 20.0,
        retry: RetryPolicy | None = None,
        max_message_bytes: int = 64 << 20,
        upcasters: Upcasters | None = None,
    ) -> None:
        """A client that connects with its first call; `connect` and `async with` wait for the server.

        `tenant`: whom every call speaks for; `default` without it. `timeout`: seconds that one try of a call, or
        connecting, may take. `keepalive`: seconds of silence after which the connection is probed.
        `upcasters`: applied to the events of reads and subscriptions as they are iterated.
        """
        settings = ConnectionSettings(
            address,
            tenant,
            timeout,
            tls,
            keepalive,
            max_message_bytes,
            RetryPolicy() if retry is None else retry,
            Upcasters() if upcasters is None else upcasters,
        )
        self.connection = AsyncConnection(settings)
        """What all parts of this client call through."""
        self.snapshots = AsyncSnapshots(self.connection)
        self.streams = AsyncStreams(self.connection)
        self.checkpoints = AsyncCheckpoints(self.connection)
        self.consumers = AsyncConsumers(self.connection)
        self.read_models = AsyncReadModels(self.connection)

    async def connect(self) -> AsyncClient:
        """Wait until the server is reached. UNAVAILABLE when it is not within the timeout; this is not retried."""
        await self.connection.ready()
        return self

    async def close(self) -> None:
        """End the connection and all calls over it."""
        await self.connection.close()

    async def __aenter__(self) -> AsyncClient:
        return await self.connect()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def append(
        self, stream: str, expected: Expected, events: Sequence[NewEvent], guards: Sequence[Guard] = ()
    ) -> Appended:
        """Append events to a stream, all or none, durable before the answer.

        Conflicts: WRONG_EXPECTED_REVISION, GUARD_NOT_MET. Tried again while the server is unavailable: the events
        have their ids, so the answer to a repetition is that of the first.
        """
        request = proto.AppendRequest(
            stream=stream,
            expected=expected.to_wire(),
            events=[event.to_wire() for event in events],
            guards=guards_to_wire(guards),
        )
        return Appended.from_wire(await self.connection.call(rpc.APPEND, request))

    async def transact(
        self,
        appends: Sequence[StreamAppend] = (),
        guards: Sequence[Guard] = (),
        checkpoints: Mapping[str, int] | None = None,
    ) -> Transacted:
        """Append to any number of streams and move checkpoints forwards, all or nothing, durable before the answer.

        Fails as `append` does, and with WRONG_CHECKPOINT when a checkpoint would not move forwards. A repetition of
        a transaction without events is not recognised: after a lost answer it meets its own checkpoints.
        """
        request = proto.TransactRequest(
            appends=[append.to_wire() for append in appends],
            guards=guards_to_wire(guards),
            checkpoints=[
                proto.CheckpointAdvance(name=name, position=position) for name, position in (checkpoints or {}).items()
            ],
        )
        return Transacted.from_wire(await self.connection.call(rpc.TRANSACT, request))

    def read_stream(
        self,
        stream: str,
        *,
        from_revision: int | None = None,
        backwards: bool = False,
        limit: int | None = None,
        types: Iterable[str] = (),
        with_snapshot: bool = False,
    ) -> AsyncStreamReading:
        """Read one stream, from its start, or from its end when backwards.

        Iterating raises STREAM_NOT_FOUND, STREAM_DELETED or STREAM_TOMBSTONED when there is nothing to read, and
        BEYOND_END when `from_revision` lies more than one past the last. A read that breaks goes on behind what it
        has delivered, and may then deliver events that were appended meanwhile.
        """
        request = proto.ReadStreamRequest(
            stream=stream,
            from_revision=from_revision,
            direction=_direction(backwards),
            limit=limit or 0,
            types=types,
            with_snapshot=with_snapshot,
        )
        return AsyncStreamReading(self.connection, request)

    def read_all(
        self,
        *,
        from_position: int | None = None,
        from_time: datetime | None = None,
        backwards: bool = False,
        limit: int | None = None,
        query: Query | None = None,
        include_system: bool = False,
    ) -> AsyncLogReading:
        """Read the log, from its start, or from its end when backwards; nothing hides events of it.

        Iterating raises BEYOND_END when `from_position` lies more than one past the head. A read that breaks goes
        on behind what it has delivered, and may then deliver events that were appended meanwhile.
        """
        request = proto.ReadAllRequest(
            direction=_direction(backwards),
            limit=limit or 0,
            query=None if query is None else query.to_wire(),
            include_system=include_system,
        )
        if from_position is not None:
            request.from_position = from_position
        elif from_time is not None:
            request.from_time.CopyFrom(until_to_wire(from_time) if backwards else time_to_wire(from_time))
        return AsyncLogReading(self.connection, request)

    async def get_event(self, *, id: str | None = None, position: int | None = None) -> RecordedEvent:  # noqa: A002
        """One event by its id or its position. EVENT_NOT_FOUND when there is none."""
        answer = await self.connection.call(rpc.GET_EVENT, proto.GetEventRequest(id=id, position=position))
        return self.connection.upcast(RecordedEvent.from_wire(answer.event))

    def subscribe_all(
        self,
        *,
        after_position: int | None = None,
        from_time: datetime | None = None,
        from_end: bool = False,
        query: Query | None = None,
        include_system: bool = False,
        retry: RetryPolicy | None = None,
        silence: float = SILENCE,
    ) -> AsyncSubscription:
        """Follow the log: what is there, then what comes, each event once and in order, over breaks as well.

        `retry`: how it reconnects, forever by default. `silence`: seconds after which a silent server is given up;
        three of its heartbeats. BEYOND_END when `after_position` lies beyond the head.
        """
        cursor = LogCursor(
            after_position if after_position is not None else from_time or ("end" if from_end else "start"),
            query=query,
            include_system=include_system,
        )

        async def find() -> Cursor:
            return cursor

        return self._subscribe(find, retry, silence)

    def subscribe_stream(
        self,
        stream: str,
        *,
        after_revision: int | None = None,
        from_end: bool = False,
        types: Sequence[str] = (),
        retry: RetryPolicy | None = None,
        silence: float = SILENCE,
    ) -> AsyncSubscription:
        """Follow one stream likewise, also one that does not exist yet."""

        async def find() -> Cursor:
            if after_revision is None and from_end:
                # No signal tells the stream's revision, so a break before the first event would lose the place:
                # the end is looked up instead of asked for.
                info = await self.streams.find(stream)
                return StreamCursor(stream, info.head_revision if info else None, types=types)
            return StreamCursor(stream, after_revision, types=types)

        return self._subscribe(find, retry, silence)

    async def replay(
        self,
        name: str,
        handler: Handler,
        *,
        query: Query | None = None,
        after_position: int = 0,
        from_time: datetime | None = None,
        batch_size: int = 500,
        follow: bool = False,
    ) -> Replayed:
        """Hand the log to a handler in batches, and set the checkpoint `name` after each.

        Begins behind the checkpoint when there is one, otherwise after the position or with the time. Ends at the
        head that it saw first, or goes on with what comes when told to `follow`. WRONG_CHECKPOINT when somebody else
        moves the checkpoint. Raises what the handler raises; the next replay begins with that batch.
        """
        return await replay(
            self,
            name,
            handler,
            query=query,
            after_position=after_position,
            from_time=from_time,
            batch_size=batch_size,
            follow=follow,
        )

    async def server_info(self) -> ServerInfo:
        """The server's facts and the tenant's head."""
        answer = await self.connection.call(rpc.SERVER_INFO, proto.ServerInfoGetRequest())
        return ServerInfo.from_wire(answer)

    def _subscribe(
        self, find: Callable[[], Awaitable[Cursor]], retry: RetryPolicy | None, silence: float
    ) -> AsyncSubscription:
        policy = RetryPolicy.forever() if retry is None else retry
        return AsyncSubscription(self.connection, find, retry=policy, silence=silence)


def _direction(backwards: bool) -> proto.Direction:
    return proto.DIRECTION_BACKWARDS if backwards else proto.DIRECTION_FORWARDS
