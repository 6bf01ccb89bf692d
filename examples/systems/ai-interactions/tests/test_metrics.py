"""What the processing of events says of itself."""

from __future__ import annotations

import asyncio
import urllib.request
from functools import partial

import pytest
from quipu_client import Park, Skip

from ai_interactions.metrics import ProcessingMetrics

from .samples import STORY, play


async def test_outcomes_times_and_lags_are_counted_by_consumer_and_type() -> None:
    metrics = ProcessingMetrics()
    event = play(STORY)[1][0]

    async def handle(outcome: Exception | bool) -> bool:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    assert await metrics.measure("mailers", event, partial(handle, True))
    assert not await metrics.measure("mailers", event, partial(handle, False))
    for failure in (Park("broken"), Skip("not ours"), ValueError("bad luck")):
        with pytest.raises(type(failure)):
            await metrics.measure("mailers", event, partial(handle, failure))

    labels = {"consumer": "mailers", "type": "ConversationStarted"}
    counts = {
        outcome: metrics.registry.get_sample_value("ai_events_total", {**labels, "outcome": outcome})
        for outcome in ("handled", "repeated", "parked", "skipped", "failed")
    }
    assert counts == {"handled": 1, "repeated": 1, "parked": 1, "skipped": 1, "failed": 1}
    assert metrics.registry.get_sample_value("ai_handler_seconds_count", labels) == 5
    assert metrics.registry.get_sample_value("ai_lag_seconds_count", labels) == 5


async def test_they_are_served_for_prometheus() -> None:
    metrics = ProcessingMetrics()
    address = metrics.serve(0)

    def fetch() -> str:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
            return str(answer.read().decode())

    assert "ai_lag_seconds" in await asyncio.to_thread(fetch)
