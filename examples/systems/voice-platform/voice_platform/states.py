"""The state of an aggregate: folded by the server or typed, now or earlier, and saved on request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from quipu_client.aggregate import KIND as SAVED_BY_AGGREGATE

from .domain.contracts import Document
from .domain.folding import Kind
from .tenancy import Tenant

S = TypeVar("S")


@dataclass(frozen=True)
class StateAt(Generic[S]):
    """A state and where it is."""

    state: S
    sequence: int
    """Of the last event that is in it."""
    snapshot_sequence: int | None
    """Of the last event that is in the snapshot that it began with; none when it began with the first event."""


async def typed_state(
    tenant: Tenant, kind: Kind[S], aggregate_id: str, *, without_snapshot: bool = False
) -> StateAt[S] | None:
    """The state as the typed aggregate folds it; none when nothing has happened to it."""
    loaded = await tenant.aggregates(kind).load(kind.stream(aggregate_id), without_snapshot=without_snapshot)
    if loaded.revision is None:
        return None
    return StateAt(loaded.state, loaded.revision + 1, _sequence(loaded.snapshot_revision))


async def server_state(
    tenant: Tenant,
    kind: Kind[S],
    aggregate_id: str,
    *,
    at_sequence: int | None = None,
    without_snapshot: bool = False,
) -> StateAt[Document]:
    """The state as the server folds it, now or as it was after one of its events."""
    folded = await tenant.client.snapshots.get_state(
        kind.stream(aggregate_id),
        revision=None if at_sequence is None else at_sequence - 1,
        without_snapshot=without_snapshot,
    )
    return StateAt(folded.json(), folded.revision + 1, _sequence(folded.snapshot_revision))


async def take_snapshot(tenant: Tenant, kind: Kind[S], aggregate_id: str) -> int:
    """Save the state as it is now; returns the sequence of the last event that is in it.

    The typed state and the server's are the same document, so each can go on with a snapshot that the other made.
    """
    state = await server_state(tenant, kind, aggregate_id)
    await tenant.client.snapshots.save(
        kind.stream(aggregate_id),
        state.sequence - 1,
        kind.dump(kind.restore(state.state)),
        metadata=SAVED_BY_AGGREGATE if kind.saves_own_snapshots else None,
    )
    return state.sequence


def _sequence(revision: int | None) -> int | None:
    return None if revision is None else revision + 1
