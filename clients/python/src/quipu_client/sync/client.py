# Made from ../aio by tools/unasync.py.
"""The handle that every call starts from.

Owns `Client`: appends, reads and subscriptions, and the parts that speak of other things.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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
from .checkpoints import Checkpoints
from .connection import Connection
from .consumers import Consumers
from .read_models import ReadModels
from .reading import LogReading, StreamReading
from .replay import Handler, replay
from .snapshots import Snapshots
from .streams import Streams
from .subscription import Cursor, Subscription

SILENCE = 45.0
"""Seconds after which a silent subscription is given up: three heartbeats of a server with default settings."""


class Client:
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
        """A client that connects with its first call; `connect` and `with` wait for the server.

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
        self.connection = Connection(settings)
        """What all parts of this client call through."""
        self.snapshots = Snapshots(self.connection)
        self.streams = Streams(self.connection)
        self.checkpoints = Checkpoints(self.connection)
        self.consumers = Consumers(self.connection)
        self.read_models = ReadModels(self.connection)

    def connect(self) -> Client:
        """Wait until the server is reached. UNAVAILABLE when it is not within the timeout; this is not retried."""
        self.connection.ready()
        return self

    def close(self) -> None:
        """End the connection and all calls over it."""
        self.connection.close()

    def __enter__(self) -> Client:
        return self.connect()

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(
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
        return Appended.from_wire(self.connection.call(rpc.APPEND, request))

    def transact(
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
        return Transacted.from_wire(self.connection.call(rpc.TRANSACT, request))

    def read_stream(
        self,
        stream: str,
        *,
        from_revision: int | None = None,
        backwards: bool = False,
        limit: int | None = None,
        types: Iterable[str] = (),
        with_snapshot: bool = False,
    ) -> StreamReading:
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
        return StreamReading(self.connection, request)

    def read_all(
        self,
        *,
        from_position: int | None = None,
        from_time: datetime | None = None,
        backwards: bool = False,
        limit: int | None = None,
        query: Query | None = None,
        include_system: bool = False,
    ) -> LogReading:
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
        return LogReading(self.connection, request)

    def get_event(self, *, id: str | None = None, position: int | None = None) -> RecordedEvent:  # noqa: A002
        """One event by its id or its position. EVENT_NOT_FOUND when there is none."""
        answer = self.connection.call(rpc.GET_EVENT, proto.GetEventRequest(id=id, position=position))
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
    ) -> Subscription:
        """Follow the log: what is there, then what comes, each event once and in order, over breaks as well.

        `retry`: how it reconnects, forever by default. `silence`: seconds after which a silent server is given up;
        three of its heartbeats. BEYOND_END when `after_position` lies beyond the head.
        """
        cursor = LogCursor(
            after_position if after_position is not None else from_time or ("end" if from_end else "start"),
            query=query,
            include_system=include_system,
        )

        def find() -> Cursor:
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
    ) -> Subscription:
        """Follow one stream likewise, also one that does not exist yet."""

        def find() -> Cursor:
            if after_revision is None and from_end:
                # No signal tells the stream's revision, so a break before the first event would lose the place:
                # the end is looked up instead of asked for.
                info = self.streams.find(stream)
                return StreamCursor(stream, info.head_revision if info else None, types=types)
            return StreamCursor(stream, after_revision, types=types)

        return self._subscribe(find, retry, silence)

    def replay(
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
        return replay(
            self,
            name,
            handler,
            query=query,
            after_position=after_position,
            from_time=from_time,
            batch_size=batch_size,
            follow=follow,
        )

    def server_info(self) -> ServerInfo:
        """The server's facts and the tenant's head."""
        answer = self.connection.call(rpc.SERVER_INFO, proto.ServerInfoGetRequest())
        return ServerInfo.from_wire(answer)

    def _subscribe(self, find: Callable[[], Cursor], retry: RetryPolicy | None, silence: float) -> Subscription:
        policy = RetryPolicy.forever() if retry is None else retry
        return Subscription(self.connection, find, retry=policy, silence=silence)


def _direction(backwards: bool) -> proto.Direction:
    return proto.DIRECTION_BACKWARDS if backwards else proto.DIRECTION_FORWARDS
