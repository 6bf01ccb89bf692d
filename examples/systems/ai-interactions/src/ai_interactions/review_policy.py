"""When an assistant is not sure enough to be left alone with a decision."""

from __future__ import annotations

from dataclasses import dataclass

from .events import REGULATED, DecisionKind


@dataclass(frozen=True)
class ReviewPolicy:
    """Confidence under the threshold has a person asked; confidence at the threshold is enough."""

    threshold: float = 0.75
    regulated_threshold: float = 0.85

    def threshold_of(self, kind: DecisionKind) -> float:
        """The threshold for decisions of this kind."""
        return self.regulated_threshold if kind in REGULATED else self.threshold

    def wants_a_person(self, kind: DecisionKind, confidence: float) -> bool:
        """Whether a person is to look at a decision."""
        return confidence < self.threshold_of(kind)
