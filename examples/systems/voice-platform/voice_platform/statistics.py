"""What there is of what: the list of event types, and counts by type, by type of aggregate and by date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from .projections import ACTIVITY
from .tenancy import Tenant


@dataclass(frozen=True)
class PlatformStatistics:
    """Counts of a tenant's events."""

    events: int
    by_type: Mapping[str, int]
    by_aggregate_type: Mapping[str, int]
    by_date: Mapping[date, int]
    """By the date on which they were recorded."""


async def list_event_types(tenant: Tenant) -> list[str]:
    """The types of events that a tenant has, in the order of their names."""
    return [name async for name, _ in tenant.client.streams.list_event_types()]


async def statistics_of(tenant: Tenant) -> PlatformStatistics:
    """The counts that the store keeps, as of now."""
    counts = await tenant.client.streams.statistics()
    return PlatformStatistics(counts.events, counts.types, counts.categories, counts.days)


async def activity_of(tenant: Tenant) -> dict[tuple[date, str], int]:
    """Counts by date and type of aggregate, by the date on which things happened; as far as the read model is."""
    activity = {}
    async for document in tenant.client.read_models.list(ACTIVITY.name, "day"):
        day, _, aggregate_type = document.id.partition("/")
        activity[date.fromisoformat(day), aggregate_type] = document.json()["events"]
    return activity
