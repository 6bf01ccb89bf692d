"""What a replay gives."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Replayed:
    """What a replay has done this time."""

    events: int
    batches: int
    position: int
    """Where its checkpoint is."""
