"""Where a read or a subscription has got to, and so where it goes on after a break.

Owns `ReadPlace` and the cursors of subscriptions. They move only by what has reached the client, and never
back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

from . import proto
from .message import CaughtUp, Checkpoint, Events, FellBehind, Heartbeat, Message
from .query import Query
from .wire import time_to_wire

ReadRequest: TypeAlias = proto.ReadStreamRequest | proto.ReadAllRequest


class _Placed(Protocol):
    @property
    def revision(self) -> int: ...
    @property
    def position(self) -> int: ...


class ReadPlace:
    """A read and how far it has got: `request` is always what is left to ask for."""

    def __init__(self, request: ReadRequest) -> None:
        self.request = request
        self.is_over = False
        """Whether nothing is left to ask for."""
        self._is_backwards = request.direction == proto.DIRECTION_BACKWARDS
        self._has_limit = request.limit > 0

    def move(self, events: Sequence[_Placed], snapshot_revision: int | None = None) -> None:
        """Note what has come: events in the order of the read, or the snapshot that it begins with."""
        request = self.request
        if snapshot_revision is not None and isinstance(request, proto.ReadStreamRequest):
            request.with_snapshot = False
            request.from_revision = snapshot_revision + 1
        if not events:
            return
        last = events[-1]
        if isinstance(request, proto.ReadStreamRequest):
            request.with_snapshot = False
            place, first = last.revision, 0
        else:
            place, first = last.position, 1
        if self._is_backwards:
            self.is_over |= place <= first
            place = max(place - 1, first)
        else:
            place += 1
        if isinstance(request, proto.ReadStreamRequest):
            request.from_revision = place
        else:
            request.from_position = place
        if self._has_limit:
            left = request.limit - len(events)
            self.is_over |= left <= 0
            request.limit = max(left, 1)


class LogCursor:
    """The place of a subscription to the log: a position, once anything has come."""

    def __init__(
        self,
        begin: Literal["start", "end"] | int | datetime = "start",
        *,
        query: Query | None = None,
        include_system: bool = False,
    ) -> None:
        self.place = begin
        self._query = None if query is None else query.to_wire()
        self._include_system = include_system

    def request(self) -> proto.SubscribeAllRequest:
        """What to ask for, to go on from here."""
        request = proto.SubscribeAllRequest(query=self._query, include_system=self._include_system)
        if isinstance(self.place, datetime):
            request.from_time.CopyFrom(time_to_wire(self.place))
        elif isinstance(self.place, int):
            request.after_position = self.place
        elif self.place == "end":
            request.end.SetInParent()
        return request

    def move(self, message: Message) -> None:
        """Note what has come."""
        match message:
            case Events(events):
                reached = events[-1].position
            case CaughtUp() | FellBehind() | Checkpoint() | Heartbeat():
                reached = message.position
            case _:
                return
        self.place = max(self.place, reached) if isinstance(self.place, int) else reached


class StreamCursor:
    """The place of a subscription to one stream: a revision. Signals tell of the log, so they do not move it."""

    def __init__(self, stream: str, after: int | None = None, *, types: Sequence[str] = ()) -> None:
        self.stream = stream
        self.after = after
        self._types = tuple(types)

    def request(self) -> proto.SubscribeStreamRequest:
        """What to ask for, to go on from here."""
        request = proto.SubscribeStreamRequest(stream=self.stream, types=self._types)
        if self.after is not None:
            request.after_revision = self.after
        return request

    def move(self, message: Message) -> None:
        """Note what has come."""
        if isinstance(message, Events):
            self.after = message.events[-1].revision
