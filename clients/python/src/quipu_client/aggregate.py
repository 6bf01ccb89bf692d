"""What an aggregate gives and how it is told to save snapshots."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from .appended import Appended
from .snapshot import Snapshot

State = TypeVar("State")

KIND = {"quipu-client": "aggregate"}
"""The metadata of snapshots that aggregates save: others, such as the server's own folds, are passed over."""


def _as_it_is(state: Any) -> Any:
    return state


@dataclass(frozen=True)
class Loaded(Generic[State]):
    """A state and where it is."""

    state: State
    revision: int | None
    """The revision of the stream's last event; none when it has none."""
    snapshot_revision: int | None
    """The revision of the snapshot it began with; none when it began with the first event."""


@dataclass(frozen=True)
class Executed(Generic[State]):
    """What became of a decision."""

    state: State
    """The state that was decided on, without the events that were appended."""
    revision: int | None
    """The revision of the stream's last event after it; none when it has none."""
    appended: Appended | None
    """Where the events went; none when none was wanted."""
    tries: int
    """How often it was decided."""


@dataclass(frozen=True)
class SnapshotEvery(Generic[State]):
    """When and how the states of an aggregate are saved. They are saved in the background, after an append."""

    events: int
    """After so many events since the last snapshot."""
    version: str = "1"
    """The version of the state's shape. Snapshots of another version are passed over: change it with `apply`."""
    dump: Callable[[State], object] = _as_it_is
    """From the state to something that has a JSON form."""
    restore: Callable[[Any], State] = _as_it_is
    """From what `dump` gave, out of JSON, to the state."""

    def made(self, snapshot: Snapshot) -> bool:
        """Whether a snapshot was made in this way."""
        return snapshot.schema_version == self.version and KIND.items() <= snapshot.metadata.items()
