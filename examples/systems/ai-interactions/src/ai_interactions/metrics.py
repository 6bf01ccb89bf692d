"""How the processing of events is doing, for Prometheus.

Owns `ProcessingMetrics`: for each consumer, how many events it handled and with what outcome, how long that took, and
how old the events were by then. Counts are of this process since it started; what was handled again counts again.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timezone

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from quipu_client import Park, RecordedEvent, Skip

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class ProcessingMetrics:
    """The metrics of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("consumer", "type")
        self._events = Counter(
            "ai_events", "Events that a handler was called for", (*labels, "outcome"), registry=self.registry
        )
        self._seconds = Histogram(
            "ai_handler_seconds", "How long handlers took", labels, buckets=SECONDS, registry=self.registry
        )
        self._lag = Histogram(
            "ai_lag_seconds",
            "From the commit of an event until it was handled",
            labels,
            buckets=SECONDS,
            registry=self.registry,
        )

    async def measure(self, consumer: str, event: RecordedEvent, handle: Callable[[], Awaitable[bool]]) -> bool:
        """Call a handler of an event and note what came of it; what it gives is false when nothing was left to do."""
        begun = time.monotonic()
        outcome = "failed"
        try:
            is_new = await handle()
            outcome = "handled" if is_new else "repeated"
            return is_new
        except Park:
            outcome = "parked"
            raise
        except Skip:
            outcome = "skipped"
            raise
        finally:
            self._events.labels(consumer, event.type, outcome).inc()
            self._seconds.labels(consumer, event.type).observe(time.monotonic() - begun)
            age = datetime.now(timezone.utc) - event.recorded_at
            self._lag.labels(consumer, event.type).observe(max(age.total_seconds(), 0.0))

    def serve(self, port: int) -> str:
        """Answer `GET /metrics` on the loopback interface; port 0 takes a free one. Returns the address."""
        server, _ = start_http_server(port, addr="127.0.0.1", registry=self.registry)
        return f"127.0.0.1:{server.server_port}"
