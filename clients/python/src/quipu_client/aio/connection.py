"""A channel with the client's retries: what every part of the client calls through."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Protocol, TypeVar, cast

from google.protobuf.message import Message

from ..errors import QuipuError
from ..event import RecordedEvent
from ..rpc import Method, Req, Res
from ..settings import ConnectionSettings
from .concurrency import pause
from .transport import Exchange, Responses, Transport

_log = logging.getLogger("quipu_client")

Page = TypeVar("Page", bound=Message)


class _Paged(Protocol):
    page_token: str


class _PagedAnswer(Protocol):
    next_page_token: str


class AsyncConnection:
    """Makes calls for one tenant, and makes them again while the server is away."""

    def __init__(self, settings: ConnectionSettings) -> None:
        self.settings = settings
        self._transport = Transport(settings)

    async def ready(self) -> None:
        """Wait until the server is reached. UNAVAILABLE when it is not within the client's timeout."""
        await self._transport.ready(self.settings.timeout)

    async def close(self) -> None:
        """End the channel and all of its calls."""
        await self._transport.close()

    async def call(self, method: Method[Req, Res], request: Req, *, wait: float = 0.0, once: bool = False) -> Res:
        """One request, one answer; tried again while the server is unavailable, unless only `once`.

        `wait` are the seconds that the server may take beyond what a try may take.
        """
        failures = 0
        while True:
            try:
                return await self._transport.unary(method, request, self.settings.timeout + wait)
            except QuipuError as error:
                failures += 1
                if once or not error.is_retryable or not self.settings.retry.allows(failures):
                    raise
                seconds = self.settings.retry.pause(failures)
                _log.debug("%s: %s; trying again in %.3f s", method.path, error, seconds)
            await pause(seconds)

    async def pages(self, method: Method[Req, Page], request: Req) -> AsyncIterator[Page]:
        """The pages of a list, each asked for when it is wanted."""
        while True:
            page = await self.call(method, request)
            yield page
            token = cast(_PagedAnswer, page).next_page_token
            if not token:
                return
            cast(_Paged, request).page_token = token

    def stream(self, method: Method[Req, Res], request: Req) -> Responses[Res]:
        """One request, many answers; tried again by whoever knows where to go on."""
        return self._transport.stream(method, request)

    def exchange(self, method: Method[Req, Res]) -> Exchange[Req, Res]:
        """Many requests, many answers."""
        return self._transport.exchange(method)

    def upcast(self, event: RecordedEvent) -> RecordedEvent:
        """The event in its newest shape."""
        return self.settings.upcasters.upcast(event)
