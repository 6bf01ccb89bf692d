"""What the platform does by itself, by the name of the consumer group: what each does on which events."""

from collections.abc import Mapping

from ..routes import Routes
from .alerting import ALERTING
from .billing import BILLING
from .guarding import GUARDING
from .surroundings import Surroundings

__all__ = ["ALERTING", "BILLING", "GUARDING", "REACTIONS"]

REACTIONS: Mapping[str, Routes[Surroundings]] = {it.name: it for it in (BILLING, GUARDING, ALERTING)}
