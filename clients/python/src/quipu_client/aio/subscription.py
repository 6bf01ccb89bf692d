"""A subscription in progress.

Owns `AsyncSubscription`: it hands out what comes, remembers where it has got to, and after a break opens the call
again from there, so its caller sees each event exactly once and in order.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable

from .. import proto
from ..cursor import LogCursor, StreamCursor
from ..errors import QuipuError
from ..event import RecordedEvent
from ..message import Events, Message, Reconnected, message_from_wire
from ..retry import RetryPolicy
from ..rpc import SUBSCRIBE_ALL, SUBSCRIBE_STREAM
from .concurrency import pause
from .connection import AsyncConnection
from .transport import Responses

_log = logging.getLogger("quipu_client")

Cursor = LogCursor | StreamCursor


class AsyncSubscription:
    """What is there, then what comes. Iterate it for events, or `messages()` for signals as well.

    It begins when it is first waited for or entered as a context: everything appended after `async with` has begun
    is delivered. An error ends it: UNAVAILABLE when the retry policy gives up, OUT_OF_RANGE when the log was
    replaced by an older copy, or any other.
    """

    def __init__(
        self,
        connection: AsyncConnection,
        find: Callable[[], Awaitable[Cursor]],
        *,
        retry: RetryPolicy,
        silence: float,
    ) -> None:
        self._connection = connection
        self._find = find
        self._cursor: Cursor | None = None
        self._retry = retry
        self._silence = silence
        self._responses: Responses[proto.SubscribeAllResponse | proto.SubscribeStreamResponse] | None = None
        self._failures = 0
        self._has_begun = False
        self._has_ended = False
        self._waiting: deque[Message] = deque()
        self._events: deque[RecordedEvent] = deque()

    async def __aenter__(self) -> AsyncSubscription:
        if not self._has_begun:
            first = await self._receive()
            if first is not None:
                self._waiting.append(first)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __aiter__(self) -> AsyncIterator[RecordedEvent]:
        return self

    async def __anext__(self) -> RecordedEvent:
        """The next event, upcasted, for as long as it takes."""
        while not self._events:
            message = await self.next_message()
            if message is None:
                raise StopAsyncIteration
            if isinstance(message, Events):
                self._events.extend(message.events)
        return self._connection.upcast(self._events.popleft())

    async def messages(self) -> AsyncIterator[Message]:
        """Events, as they come and as they are stored, and signals. It ends when the subscription is closed."""
        while (message := await self.next_message()) is not None:
            yield message

    async def next_message(self) -> Message | None:
        """The next message, for as long as it takes; none after `close`."""
        if self._events:
            events = Events(list(self._events))
            self._events.clear()
            return events
        if self._waiting:
            return self._waiting.popleft()
        return None if self._has_ended else await self._receive()

    async def close(self) -> None:
        """End it. A subscription that is dropped ends, too."""
        self._has_ended = True
        self._waiting.clear()
        self._events.clear()
        responses, self._responses = self._responses, None
        if responses is not None:
            responses.close()

    async def _receive(self) -> Message | None:
        while not self._has_ended:
            is_new = self._responses is None
            try:
                message = await self._attempt()
            except QuipuError as error:
                if self._has_ended:
                    break
                self._responses = None
                self._failures += 1
                policy = self._policy
                if not error.is_retryable or not policy.allows(self._failures):
                    self._has_ended = True
                    raise
                seconds = policy.pause(self._failures)
                _log.debug("a subscription broke: %s; opening it again in %.3f s", error, seconds)
                await pause(seconds)
                continue
            self._failures = 0
            if is_new and self._has_begun:
                self._waiting.append(message)
                return Reconnected()
            self._has_begun = True
            return message
        return None

    @property
    def _policy(self) -> RetryPolicy:
        """How it is tried again: until the first message as any call is."""
        return self._retry if self._has_begun else self._connection.settings.retry

    async def _attempt(self) -> Message:
        if self._cursor is None:
            self._cursor = await self._find()
        responses = self._responses
        if responses is None:
            if isinstance(self._cursor, LogCursor):
                responses = self._connection.stream(SUBSCRIBE_ALL, self._cursor.request())
            else:
                responses = self._connection.stream(SUBSCRIBE_STREAM, self._cursor.request())
            self._responses = responses
        while True:
            wire = await responses.next(self._silence)
            if wire is None:
                raise QuipuError.unavailable("the subscription was cut short")
            message = message_from_wire(wire)
            if message is not None:
                self._cursor.move(message)
                return message
