"""When to try again, and after what pause.

Owns `RetryPolicy`. Pauses double up to a limit, and half of each is drawn by lot, so that many clients do not
come back in step.
"""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how fast a call is tried again while the server is unavailable.

    By default eight tries, with 2.5 to 5 s of pauses in all.
    """

    attempts: int | None = 8
    """How many tries in a row may fail, the first included; none is no limit."""
    initial_backoff: float = 0.05
    """The longest pause after the first failure, in seconds; each further failure doubles it."""
    max_backoff: float = 2.0
    """No pause is longer than this, in seconds."""

    @classmethod
    def none(cls) -> RetryPolicy:
        """One try."""
        return cls(attempts=1)

    @classmethod
    def forever(cls) -> RetryPolicy:
        """As many tries as it takes."""
        return cls(attempts=None)

    def allows(self, failures: int) -> bool:
        """Whether to go on after so many failures in a row."""
        return self.attempts is None or failures < self.attempts

    def pause(self, failures: int, lot: float | None = None) -> float:
        """The pause in seconds after so many failures in a row: between half of the full one and all of it."""
        full = min(self.initial_backoff * 2.0 ** min(failures - 1, 31), self.max_backoff)
        return full * (0.5 + 0.5 * (random.random() if lot is None else lot))
