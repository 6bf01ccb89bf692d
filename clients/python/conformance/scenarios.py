"""The scenarios by their names, which are the same for all clients."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from . import aggregates, appending, following, groups, keeping, projecting, reacting, reading
from .server import Server

Scenario = Callable[[Server], Awaitable[None]]

SCENARIOS: dict[str, Scenario] = {
    "append-expected": appending.append_expected,
    "append-retry": appending.append_retry,
    "append-guards": appending.append_guards,
    "transact": appending.transact,
    "read-stream": reading.read_stream,
    "read-all-query": reading.read_all_query,
    "read-resume": reading.read_resume,
    "subscribe-live": following.subscribe_live,
    "subscribe-resume": following.subscribe_resume,
    "append-resume": appending.append_resume,
    "snapshots": keeping.snapshots,
    "state": keeping.state,
    "checkpoints": keeping.checkpoints,
    "stream-life": keeping.stream_life,
    "statistics": keeping.statistics,
    "tenants": reading.tenants,
    "errors": keeping.errors,
    "aggregate": aggregates.aggregate,
    "upcasters": aggregates.upcasters,
    "group-order": groups.group_order,
    "group-park": groups.group_park,
    "group-members": groups.group_members,
    "group-fetch": groups.group_fetch,
    "group-errors": groups.group_errors,
    "reactor": reacting.reactor,
    "read-models": projecting.read_models,
    "projector": projecting.projector,
    "replay": projecting.replay,
}
