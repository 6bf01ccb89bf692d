"""Connections that are refused or break, as gRPC really reports them. The peers are bare sockets."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from quipu_client import AsyncClient, Client, Expected, NewEvent, QuipuError, RetryPolicy

QUICK = RetryPolicy(attempts=3, initial_backoff=0.001, max_backoff=0.001)


@contextmanager
def peer(*, hangs_up: bool) -> Iterator[str]:
    """A socket that takes connections, and hangs up on them or says nothing."""
    listener = socket.create_server(("127.0.0.1", 0))
    open_connections = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            if hangs_up:
                connection.recv(64)
                connection.close()
            else:
                open_connections.append(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        for connection in open_connections:
            connection.close()


def nobody() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


def test_a_server_that_is_not_there_is_unavailable() -> None:
    client = Client(nobody(), retry=QUICK)
    with pytest.raises(QuipuError) as error:
        client.server_info()
    assert error.value.is_retryable
    client.close()


def test_connecting_fails_when_the_server_is_not_reached_in_time() -> None:
    with pytest.raises(QuipuError, match="not reached") as error:
        Client(nobody(), timeout=0.1).connect()
    assert error.value.is_retryable

    async def connect() -> None:
        client = AsyncClient(nobody(), timeout=0.1)
        with pytest.raises(QuipuError, match="not reached"):
            await client.connect()
        await client.close()

    asyncio.run(connect())


def test_a_call_whose_connection_breaks_is_made_as_often_as_the_policy_says(caplog: pytest.LogCaptureFixture) -> None:
    async def calls(address: str) -> None:
        client = AsyncClient(address, retry=QUICK)
        for call in (
            client.append("s", Expected.any(), [NewEvent("T")]),
            client.read_all().collect(),
            client.subscribe_all().next_message(),
        ):
            with pytest.raises(QuipuError) as error:
                await call
            assert error.value.is_retryable
        await client.close()

    with peer(hangs_up=True) as address, caplog.at_level(logging.DEBUG, "quipu_client"):
        asyncio.run(calls(address))
    # Three calls of three tries each: two of each are followed by another.
    assert len([message for message in caplog.messages if " in 0.00" in message]) == 6


def test_a_call_that_takes_too_long_is_not_made_again() -> None:
    with peer(hangs_up=False) as address:
        client = Client(address, timeout=0.1)
        with pytest.raises(QuipuError) as error:
            client.server_info()
        assert error.value.code.name in ("DEADLINE_EXCEEDED", "UNAVAILABLE")
        client.close()


def test_a_server_that_says_nothing_is_given_up() -> None:
    async def follow(address: str) -> None:
        client = AsyncClient(address, retry=RetryPolicy.none())
        with pytest.raises(QuipuError) as error:
            await client.subscribe_all(silence=0.05).next_message()
        assert error.value.is_retryable
        await client.close()

    with peer(hangs_up=False) as address:
        asyncio.run(follow(address))
        blocking = Client(address, retry=RetryPolicy.none())
        with pytest.raises(QuipuError) as error:
            blocking.subscribe_all(silence=0.05).next_message()
        assert error.value.is_retryable
        blocking.close()
