"""Handlers on a consumer group.

Owns `AsyncReactor`: it takes part in a group, calls the handlers of what is delivered and settles it, over breaks
of the connection as well. What it has in hand is kept by `desk.py`.
"""

from __future__ import annotations

import logging
import os
import socket
import time
import uuid
from collections.abc import Callable
from typing import TypeVar

from ..desk import Desk, Park, ReactorMetrics, Skip, Work
from ..errors import QuipuError
from ..event import RecordedEvent
from ..group import ConsumerGroup, GroupSettings, GroupStart
from ..retry import RetryPolicy
from ..upcasters import UpcastFailed
from ..versions import Versions
from .client import SILENCE, AsyncClient
from .concurrency import Alarm, Done, Flag, Workers, finish, pause
from .membership import AsyncMembership

_log = logging.getLogger("quipu_client")

Handler = Callable[[RecordedEvent], Done]
"""Deals with one event. It must bear a repetition: an event comes again when its settlement was lost."""
H = TypeVar("H", bound=Handler)


class AsyncReactor:
    """A member of a consumer group that calls handlers. Register them before `run`."""

    def __init__(
        self,
        client: AsyncClient,
        group: str,
        *,
        member: str | None = None,
        settings: GroupSettings | None = None,
        start: GroupStart | None = None,
        concurrency: int = 10,
        stop_timeout: float = 30.0,
        silence: float = SILENCE,
    ) -> None:
        """A reactor of this group, which is made with `settings` and `start` if it is not there.

        `member`: its name in the group; one of its own by default. `concurrency`: events in hand at most.
        `stop_timeout`: seconds that those in hand get when it stops. `silence`: seconds after which a silent server
        is given up.
        """
        self.group = group
        self.member = member or f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._client = client
        self._settings = settings
        self._start = start
        self._concurrency = concurrency
        self._stop_timeout = stop_timeout
        self._silence = silence
        self._handlers: Versions[Handler] = Versions("handler")
        self._desk = Desk()
        self._membership: AsyncMembership | None = None
        self._failures = 0
        self._has_joined = False
        self._has_finished = False
        self._stopping = Flag()
        self._gave_up = Flag()
        self._alarm: Alarm | None = None

    def on(self, event_type: str, version: str | None = None) -> Callable[[H], H]:
        """Register a handler for a type, and for a version of it where one is given. A decorator.

        Several may be registered for one type: all are called, in this order, and an event is acknowledged when all
        have succeeded. One that raises has the event tried again, without those that did; `Park` and `Skip` park
        and skip it at once.
        """

        def register(handler: H) -> H:
            self._handlers.add(event_type, version, handler)
            return handler

        return register

    @property
    def metrics(self) -> ReactorMetrics:
        """What it has done so far. May be read at any time."""
        return self._desk.metrics()

    async def run(self) -> None:
        """Deal with events until `stop`. Once it has begun it reconnects for ever.

        MEMBER_EXISTS when the name is taken, GROUP_NOT_FOUND when the group is deleted meanwhile.
        """
        group = await self._ensure_group()
        self._desk.max_tries = group.settings.max_tries or 0
        workers = Workers(self._concurrency)
        try:
            while not self._is_done:
                try:
                    await self._take_part(workers)
                except QuipuError as error:
                    await self._note_break(error)
        finally:
            await workers.close()
            if self._alarm is not None:
                self._alarm.cancel()

    async def stop(self) -> None:
        """Take no more events. `run` returns when those in hand are settled, or when their time is over."""
        if self._stopping.is_set:
            return
        self._alarm = Alarm(self._stop_timeout, self._give_up)
        self._stopping.set()
        membership = self._membership
        if membership is not None:
            try:
                await membership.set_credits(0)
                await self._finish_if_clear(membership)
            except QuipuError as error:
                _log.debug("group %s: %s", self.group, error)

    @property
    def _is_done(self) -> bool:
        return self._gave_up.is_set or (self._stopping.is_set and self._desk.is_clear)

    async def _ensure_group(self) -> ConsumerGroup:
        try:
            return await self._client.consumers.get(self.group)
        except QuipuError as error:
            if error.reason not in ("GROUP_NOT_FOUND", "TENANT_NOT_FOUND"):
                raise
        return await self._client.consumers.create(self.group, self._settings, self._start)

    async def _take_part(self, workers: Workers) -> None:
        """One membership, from joining to its end."""
        credits = 0 if self._stopping.is_set else self._concurrency  # noqa: A001
        joining = self._client.consumers.consume(self.group, self.member, credits=credits, silence=self._silence)
        async with joining as membership:
            self._desk.reconnect()
            self._has_finished = False
            self._membership = membership
            try:
                await self._settle()
                if self._stopping.is_set:
                    await self._finish_if_clear(membership)
                async for message in membership:
                    self._failures = 0
                    self._has_joined = True
                    if message.deliveries and self._has_finished:
                        return  # they crossed the half-close: nothing can be settled any more
                    self._desk.confirm(message.outcome)
                    for delivery in message.deliveries:
                        work = self._desk.take(delivery)
                        if work is not None:
                            workers.spawn(self._deal_with, work)
                    await self._settle()
                    if self._stopping.is_set:
                        await self._finish_if_clear(membership)
            finally:
                self._membership = None
        if not self._stopping.is_set:
            raise QuipuError.unavailable("the server ended the membership")

    async def _note_break(self, error: QuipuError) -> None:
        """Let some time pass after a break, or raise what is none."""
        if self._gave_up.is_set:
            return
        # After a break the server may still think that this member is there.
        is_ghost = error.reason == "MEMBER_EXISTS" and (self._has_joined or self._failures > 0)
        if not error.is_retryable and not is_ghost:
            raise error
        self._failures += 1
        seconds = RetryPolicy.forever().pause(self._failures)
        _log.debug("group %s: %s; joining again in %.3f s", self.group, error, seconds)
        if self._stopping.is_set:
            await pause(seconds)
        else:
            await self._stopping.wait(seconds)

    async def _deal_with(self, work: Work) -> None:
        """Call the handlers of one event and settle it."""
        failures, is_handled = await self._call_handlers(work)
        self._desk.finish(work, failures, is_handled=is_handled)
        try:
            await self._settle()
        except QuipuError as error:
            _log.debug("group %s: %s", self.group, error)

    async def _call_handlers(self, work: Work) -> tuple[list[Exception], bool]:
        """What the handlers that had not succeeded yet raised, and whether there are any handlers."""
        event = work.event
        if event.type not in self._handlers.types:
            return [], False
        try:
            event = self._client.connection.upcast(event)
        except UpcastFailed as failure:
            _log.warning("%s", failure)
            return [failure], True
        handlers = self._handlers.find(event.type, event.schema_version)
        failures: list[Exception] = []
        for place, handler in enumerate(handlers):
            if place in work.succeeded:
                continue
            begun = time.monotonic()
            try:
                await finish(handler(event))
                work.succeeded.add(place)
            except (Park, Skip) as decision:
                return [decision], True
            except Exception as failure:
                _log.warning("a handler of %s failed at position %d", event.type, event.position, exc_info=failure)
                failures.append(failure)
            finally:
                self._desk.time(event.type, time.monotonic() - begun)
        return failures, bool(handlers)

    async def _settle(self) -> None:
        """Say what became of the events that are done."""
        membership = self._membership
        if membership is not None:
            ack, nack = self._desk.take_finished()
            if ack or nack:
                await membership.settle(ack, nack)

    async def _finish_if_clear(self, membership: AsyncMembership) -> None:
        if self._desk.is_clear and not self._has_finished:
            self._has_finished = True
            await membership.finish()

    def _give_up(self) -> None:
        self._gave_up.set()
        membership = self._membership
        if membership is not None:
            membership.leave()
