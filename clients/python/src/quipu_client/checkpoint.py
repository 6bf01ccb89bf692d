"""How far named consumers have got."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from . import proto
from .wire import time_from_wire


@dataclass(frozen=True)
class ConsumerCheckpoint:
    """A consumer's position."""

    name: str
    position: int
    """Everything up to here, inclusive, has been dealt with."""
    updated_at: datetime
    """Server time of the last change."""

    @classmethod
    def from_wire(cls, wire: proto.ConsumerCheckpoint) -> ConsumerCheckpoint:
        """Out of what was received."""
        return cls(wire.name, wire.position, time_from_wire(wire.updated_at))


@dataclass(frozen=True)
class ExpectedCheckpoint:
    """What a checkpoint must be for it to be set. Made by its class methods."""

    is_any: bool
    position: int | None

    @classmethod
    def any(cls) -> ExpectedCheckpoint:
        """No condition."""
        return cls(True, None)

    @classmethod
    def no_checkpoint(cls) -> ExpectedCheckpoint:
        """There is none of this name."""
        return cls(False, None)

    @classmethod
    def at(cls, position: int) -> ExpectedCheckpoint:
        """It is at this position, exactly."""
        return cls(False, position)

    def to_wire(self) -> proto.CheckpointsSetRequest.Expected | None:
        """As it is sent; no condition is unset."""
        return None if self.is_any else proto.CheckpointsSetRequest.Expected(position=self.position)


@dataclass(frozen=True)
class WaitOutcome:
    """How a wait for a checkpoint ended."""

    reached: bool
    """Whether the checkpoint is at the position asked for, or beyond it."""
    position: int | None
    """Where the checkpoint is; none when there is none."""
