"""The read model `activity`: a document for each type of aggregate on each day, with the events counted by type.

The store counts events by category and by day of their commit (`statistics.py`). This has both at once, by the day
on which things happened.
"""

from __future__ import annotations

from collections import Counter

from ..domain.contracts import Document, Payload, contracts
from ..domain.kinds import KINDS
from ..envelope import Fact
from ..routes import Routes
from .documents import Documents, change

ACTIVITY: Routes[Documents] = Routes("activity")


def day_key(fact: Fact[Payload]) -> str:
    """The id of the document that an event is counted in: documents of one day come one after the other."""
    return f"{fact.happened_at.date().isoformat()}/{fact.aggregate_type}"


@ACTIVITY.on(*(contract for contract in contracts().values() if contract.category in KINDS))
async def something_happened(fact: Fact[Payload], documents: Documents) -> None:
    """Count the event."""

    def changed(day: Document) -> Document:
        types = Counter(day.get("types", {})) + Counter([fact.event.type])
        return {"events": types.total(), "types": types}

    await change(documents, "day", day_key(fact), fact, changed)
