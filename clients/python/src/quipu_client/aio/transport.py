"""Calls over a channel of grpc.aio, with errors as `QuipuError`.

Owns everything that is not the same in the blocking client, next to `concurrency.py`: the other files here know
neither grpc.aio nor asyncio.
"""

from __future__ import annotations

import asyncio
from typing import Any, Generic

import grpc
import grpc.aio

from ..errors import QuipuError
from ..rpc import Method, Req, Res
from ..settings import ConnectionSettings
from ..status import error_from_status


def _error(error: grpc.aio.AioRpcError) -> QuipuError:
    return error_from_status(error.code(), error.details() or "", tuple(error.trailing_metadata() or ()))


class Transport:
    """A channel."""

    def __init__(self, settings: ConnectionSettings) -> None:
        self._metadata = settings.metadata
        credentials = settings.credentials
        if credentials is None:
            self._channel = grpc.aio.insecure_channel(settings.target, settings.options)
        else:
            self._channel = grpc.aio.secure_channel(settings.target, credentials, settings.options)

    async def ready(self, timeout: float) -> None:
        """Wait until the server is reached, for so many seconds. UNAVAILABLE when it is not."""
        try:
            await asyncio.wait_for(self._channel.channel_ready(), timeout)
        except asyncio.TimeoutError:
            raise QuipuError.unavailable(f"the server was not reached within {timeout} s") from None

    async def close(self) -> None:
        """End the channel and all of its calls."""
        await self._channel.close()

    async def unary(self, method: Method[Req, Res], request: Req, timeout: float) -> Res:
        """One request, one answer."""
        call = self._channel.unary_unary(method.path, method.request.SerializeToString, method.response.FromString)
        try:
            answer: Res = await call(request, metadata=self._metadata, timeout=timeout)
        except grpc.aio.AioRpcError as error:
            raise _error(error) from error
        return answer

    def stream(self, method: Method[Req, Res], request: Req) -> Responses[Res]:
        """One request, many answers."""
        call = self._channel.unary_stream(method.path, method.request.SerializeToString, method.response.FromString)
        return Responses(call(request, metadata=self._metadata))

    def exchange(self, method: Method[Req, Res]) -> Exchange[Req, Res]:
        """Many requests, many answers."""
        call = self._channel.stream_stream(method.path, method.request.SerializeToString, method.response.FromString)
        return Exchange(call(metadata=self._metadata))


class Responses(Generic[Res]):
    """The answers of a call that gives many. Dropping it ends the call."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self._reading: asyncio.Task[Any] | None = None

    async def next(self, timeout: float | None = None) -> Res | None:
        """The next answer, none after the last. A wait that is cancelled loses nothing.

        UNAVAILABLE when nothing comes for so many seconds; the call is then ended.
        """
        if self._reading is None:
            self._reading = asyncio.ensure_future(self._call.read())
        done, _ = await asyncio.wait({self._reading}, timeout=timeout)
        if not done:
            self.close()
            raise QuipuError.unavailable(f"the server was silent for {timeout} s")
        reading, self._reading = self._reading, None
        if reading.cancelled():
            raise QuipuError(grpc.StatusCode.CANCELLED, "the call was ended on this side")
        try:
            answer = reading.result()
        except grpc.aio.AioRpcError as error:
            raise _error(error) from error
        return None if answer is grpc.aio.EOF else answer

    def close(self) -> None:
        """End the call."""
        self._call.cancel()

    def __del__(self) -> None:
        self._call.cancel()


class Exchange(Responses[Res], Generic[Req, Res]):
    """A call in which both sides speak when they like."""

    def __init__(self, call: Any) -> None:
        super().__init__(call)
        self._writing = asyncio.Lock()

    async def send(self, request: Req) -> None:
        """Say something. UNAVAILABLE when the call has ended; `next` knows why."""
        async with self._writing:
            try:
                await self._call.write(request)
            except (grpc.aio.AioRpcError, grpc.aio.UsageError, asyncio.InvalidStateError) as error:
                raise QuipuError.unavailable("the call has ended") from error

    async def half_close(self) -> None:
        """Say that nothing more will be said."""
        async with self._writing:
            await self._call.done_writing()
