"""How to get at a server.

Owns `ConnectionSettings`. Idle connections are probed, since a subscription may wait for hours; one connection
serves all calls and is made anew by itself whenever it breaks.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import grpc

from .retry import RetryPolicy
from .upcasters import Upcasters

TENANT_HEADER = "quipu-tenant"


@dataclass(frozen=True)
class ConnectionSettings:
    """What a client is told before it connects."""

    address: str
    """Such as `127.0.0.1:2113`, with or without `http://`; `https://` means TLS."""
    tenant: str | None
    timeout: float
    """Seconds that a try of a call may take, and that the first connection may take."""
    tls: bool | grpc.ChannelCredentials
    keepalive: float
    """Seconds of silence after which the connection is probed; it has as many again to answer."""
    max_message_bytes: int
    retry: RetryPolicy
    upcasters: Upcasters = field(default_factory=Upcasters)

    @property
    def target(self) -> str:
        """The address as gRPC wants it."""
        return self.address.removeprefix("http://").removeprefix("https://").rstrip("/")

    @property
    def credentials(self) -> grpc.ChannelCredentials | None:
        """What TLS is made with; none without it."""
        if isinstance(self.tls, grpc.ChannelCredentials):
            return self.tls
        return grpc.ssl_channel_credentials() if self.tls or self.address.startswith("https://") else None

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """The headers of every call."""
        return () if self.tenant is None else ((TENANT_HEADER, self.tenant),)

    @property
    def options(self) -> list[tuple[str, int]]:
        """The channel's settings. Tries again are the client's own business: gRPC's would hide them."""
        return [
            ("grpc.max_receive_message_length", self.max_message_bytes),
            ("grpc.max_send_message_length", self.max_message_bytes),
            ("grpc.keepalive_time_ms", round(self.keepalive * 1000)),
            ("grpc.keepalive_timeout_ms", round(self.keepalive * 1000)),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.max_pings_without_data", 0),
            ("grpc.initial_reconnect_backoff_ms", round(self.retry.initial_backoff * 1000)),
            ("grpc.max_reconnect_backoff_ms", round(self.retry.max_backoff * 1000)),
            ("grpc.min_reconnect_backoff_ms", round(self.timeout * 1000)),
            ("grpc.enable_retries", 0),
            # Clients of one process share no connection: closing one, or its break, is its own matter.
            ("grpc.use_local_subchannel_pool", 1),
        ]
