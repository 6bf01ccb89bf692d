"""How the platform is doing: append rate, replay latency, snapshot frequency, lag of read models, types of events."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from quipu_client import Query, QuipuError

from .domain.kinds import KINDS
from .projections import PROJECTIONS
from .states import server_state
from .tenancy import Tenant

SAMPLED_STREAMS = 20
"""Aggregates of each type that are looked at for what cannot be asked for all at once."""


@dataclass(frozen=True)
class ReplayLatency:
    """Seconds to make the state of one aggregate, on the average of a sample."""

    with_snapshot: float
    without_snapshot: float
    aggregates: int


@dataclass(frozen=True)
class SnapshotFrequency:
    """How snapshots of a sample of aggregates lie."""

    snapshots: int
    """How many are kept."""
    aggregates: int
    """Of so many that were looked at."""
    events_between: float | None
    """Events from one snapshot to the next, on the average; none when no aggregate has two."""


@dataclass(frozen=True)
class ReadModelLag:
    """How far a read model is behind the events that it is made of."""

    events: int
    seconds: float
    """How old the oldest event is that is not in it; 0 when there is none."""


@dataclass(frozen=True)
class Metrics:
    """The metrics of one tenant."""

    append_rate: float
    """Events per second over the window."""
    replay_latency: ReplayLatency
    snapshot_frequency: SnapshotFrequency
    read_model_lag: Mapping[str, ReadModelLag]
    type_distribution: Mapping[str, float]
    """By type, its share of all events."""


async def measure(tenant: Tenant, window: timedelta = timedelta(minutes=1)) -> Metrics:
    """Measure a tenant now."""
    sample = [stream for category in KINDS for stream in await _some_streams(tenant, category)]
    counts = await tenant.client.streams.statistics()
    return Metrics(
        append_rate=await append_rate(tenant, window),
        replay_latency=await replay_latency(tenant, sample),
        snapshot_frequency=await snapshot_frequency(tenant, sample),
        read_model_lag={model: await read_model_lag(tenant, model) for model in PROJECTIONS},
        type_distribution={name: count / counts.events for name, count in counts.types.items()},
    )


async def append_rate(tenant: Tenant, window: timedelta) -> float:
    """Events per second recorded within the window up to now, of the time that the log covers of it."""
    now = datetime.now(UTC)
    reading = tenant.client.read_all(from_time=now - window)
    times = [event.recorded_at for batch in [it async for it in reading.batches()] for event in batch]
    if not times:
        return 0.0
    covered = min(window, max(now - times[0], timedelta(milliseconds=1)))
    return len(times) / covered.total_seconds()


async def replay_latency(tenant: Tenant, streams: Iterable[str]) -> ReplayLatency:
    """Have the server fold aggregates with and without snapshots."""
    seconds = {True: 0.0, False: 0.0}
    aggregates = 0
    for stream in streams:
        aggregates += 1
        category, _, aggregate_id = stream.partition("-")
        for without_snapshot in seconds:
            begun = time.perf_counter()
            await server_state(tenant, KINDS[category], aggregate_id, without_snapshot=without_snapshot)
            seconds[without_snapshot] += time.perf_counter() - begun
    count = max(aggregates, 1)
    return ReplayLatency(seconds[False] / count, seconds[True] / count, aggregates)


async def snapshot_frequency(tenant: Tenant, streams: Iterable[str]) -> SnapshotFrequency:
    """Look at the snapshots of aggregates. The server keeps the newest few of each."""
    snapshots = aggregates = 0
    distances: list[int] = []
    for stream in streams:
        kept = await tenant.client.snapshots.list(stream)
        aggregates += 1
        snapshots += len(kept)
        distances += [newer.revision - older.revision for newer, older in pairwise(kept)]
    return SnapshotFrequency(snapshots, aggregates, sum(distances) / len(distances) if distances else None)


async def read_model_lag(tenant: Tenant, model: str) -> ReadModelLag:
    """Count the events behind a read model's position that it is made of."""
    query = Query.types(*PROJECTIONS[model].types)
    position = await read_model_position(tenant, model)
    waiting = [event.recorded_at async for event in tenant.client.read_all(query=query, from_position=position + 1)]
    age = datetime.now(UTC) - waiting[0] if waiting else timedelta()
    return ReadModelLag(len(waiting), max(age.total_seconds(), 0.0))


async def read_model_position(tenant: Tenant, model: str) -> int:
    """Up to where a read model is made; 0 when it is not begun."""
    try:
        generations = await tenant.client.read_models.describe(model)
    except QuipuError as error:
        if error.reason in ("READ_MODEL_NOT_FOUND", "TENANT_NOT_FOUND"):
            return 0
        raise
    return next((it.position for it in generations if it.is_active), 0)


async def _some_streams(tenant: Tenant, category: str) -> list[str]:
    streams = []
    async for stream in tenant.client.streams.list(category=category, page_size=SAMPLED_STREAMS):
        streams.append(stream)
        if len(streams) == SAMPLED_STREAMS:
            break
    return streams
