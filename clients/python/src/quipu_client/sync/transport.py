"""Calls over a channel of grpc, with errors as `QuipuError`.

Owns everything that is not the same in the asyncio client, next to `concurrency.py`: the other files here are made
from those.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any, Generic

import grpc

from ..errors import QuipuError
from ..rpc import Method, Req, Res
from ..settings import ConnectionSettings
from ..status import error_from_status


def _error(error: Any) -> QuipuError:
    return error_from_status(error.code(), error.details() or "", tuple(error.trailing_metadata() or ()))


class Transport:
    """A channel."""

    def __init__(self, settings: ConnectionSettings) -> None:
        self._metadata = settings.metadata
        credentials = settings.credentials
        if credentials is None:
            self._channel = grpc.insecure_channel(settings.target, settings.options)
        else:
            self._channel = grpc.secure_channel(settings.target, credentials, settings.options)

    def ready(self, timeout: float) -> None:
        """Wait until the server is reached, for so many seconds. UNAVAILABLE when it is not."""
        try:
            grpc.channel_ready_future(self._channel).result(timeout)
        except grpc.FutureTimeoutError:
            raise QuipuError.unavailable(f"the server was not reached within {timeout} s") from None

    def close(self) -> None:
        """End the channel and all of its calls."""
        self._channel.close()

    def unary(self, method: Method[Req, Res], request: Req, timeout: float) -> Res:
        """One request, one answer."""
        call = self._channel.unary_unary(method.path, method.request.SerializeToString, method.response.FromString)
        try:
            answer: Res = call(request, metadata=self._metadata, timeout=timeout)
        except grpc.RpcError as error:
            raise _error(error) from error
        return answer

    def stream(self, method: Method[Req, Res], request: Req) -> Responses[Res]:
        """One request, many answers."""
        call = self._channel.unary_stream(method.path, method.request.SerializeToString, method.response.FromString)
        return Responses(call(request, metadata=self._metadata))

    def exchange(self, method: Method[Req, Res]) -> Exchange[Req, Res]:
        """Many requests, many answers."""
        call = self._channel.stream_stream(method.path, method.request.SerializeToString, method.response.FromString)
        requests: queue.SimpleQueue[Req | None] = queue.SimpleQueue()
        return Exchange(call(iter(requests.get, None), metadata=self._metadata), requests)


class Responses(Generic[Res]):
    """The answers of a call that gives many. Dropping it ends the call."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self._reader: _Reader | None = None

    def next(self, timeout: float | None = None) -> Res | None:
        """The next answer, none after the last.

        UNAVAILABLE when nothing comes for so many seconds; the call is then ended.
        """
        if timeout is not None and self._reader is None:
            self._reader = _Reader(self._call)
        try:
            answer = _read(self._call) if self._reader is None else self._reader.next(timeout)
        except queue.Empty:
            self.close()
            raise QuipuError.unavailable(f"the server was silent for {timeout} s") from None
        if isinstance(answer, grpc.RpcError):
            raise _error(answer) from answer
        received: Res | None = answer
        return received

    def close(self) -> None:
        """End the call."""
        self._call.cancel()

    def __del__(self) -> None:
        self._call.cancel()
        if self._reader is not None:
            self._reader.end()


class _Reader:
    """A thread that reads a call, one answer ahead: gRPC itself cannot wait for an answer with a limit."""

    def __init__(self, call: Iterator[Any]) -> None:
        self._asked: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        threading.Thread(target=_serve, args=(call, self._asked, self._answers), daemon=True).start()

    def next(self, timeout: float | None) -> Any:
        """The next answer. `queue.Empty` when it does not come in time."""
        self._asked.put(True)
        return self._answers.get(timeout=timeout)

    def end(self) -> None:
        """Let the thread end, once its call has."""
        self._asked.put(False)


def _serve(call: Iterator[Any], asked: queue.SimpleQueue[bool], answers: queue.SimpleQueue[Any]) -> None:
    while asked.get():
        answer = _read(call)
        answers.put(answer)
        if answer is None or isinstance(answer, grpc.RpcError):
            return


def _read(call: Iterator[Any]) -> Any:
    """The next answer, none after the last, or the error that the call ended with."""
    try:
        return next(call, None)
    except grpc.RpcError as error:
        return error


class Exchange(Responses[Res], Generic[Req, Res]):
    """A call in which both sides speak when they like."""

    def __init__(self, call: Any, requests: queue.SimpleQueue[Req | None]) -> None:
        super().__init__(call)
        self._requests = requests

    def send(self, request: Req) -> None:
        """Say something. UNAVAILABLE when the call has ended; `next` knows why."""
        if not self._call.is_active():
            raise QuipuError.unavailable("the call has ended")
        self._requests.put(request)

    def half_close(self) -> None:
        """Say that nothing more will be said."""
        self._requests.put(None)

    def __del__(self) -> None:
        self._requests.put(None)
        super().__del__()
