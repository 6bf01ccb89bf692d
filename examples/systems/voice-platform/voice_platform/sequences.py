"""The sequence of an aggregate's events: from 1 and without gaps, read in parts, and checked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any

from quipu_client import RecordedEvent

from .domain.contracts import Payload
from .domain.folding import Kind
from .envelope import Fact, fact_of
from .tenancy import Tenant


async def read_sequence(
    tenant: Tenant, kind: Kind[Any], aggregate_id: str, first: int = 1, last: int | None = None
) -> AsyncIterator[Fact[Payload]]:
    """The events of an aggregate from one sequence to another, both inclusive; to the end when there is no last."""
    limit = None if last is None else last - first + 1
    if limit is not None and limit <= 0:
        return
    reading = tenant.client.read_stream(kind.stream(aggregate_id), from_revision=first - 1, limit=limit)
    async for event in reading:
        yield fact_of(event)


@dataclass(frozen=True)
class SequenceReport:
    """What a check of sequences found."""

    aggregates: int
    events: int
    faults: list[str] = field(default_factory=list)
    """Each with the aggregate, the sequence that was due and the one that was found."""

    @property
    def is_without_gaps(self) -> bool:
        """Whether each aggregate's sequence is 1, 2, 3 and so on to its last event."""
        return not self.faults


def check_order(events: Iterable[RecordedEvent]) -> tuple[SequenceReport, dict[str, int]]:
    """Check events in the order of the log; tells the last sequence of each stream, too."""
    last: dict[str, int] = defaultdict(int)
    faults = []
    count = 0
    for event in events:
        count += 1
        due, found = last[event.stream] + 1, event.revision + 1
        if found != due:
            faults.append(f"{event.stream}: {due} is due, {found} was found")
        last[event.stream] = found
    return SequenceReport(len(last), count, faults), last


async def check_sequences(tenant: Tenant, category: str = "") -> SequenceReport:
    """Check all aggregates of a tenant, or those of one type, also against what the server says of each stream."""
    events = [event async for event in tenant.client.read_all()]
    wanted = [event for event in events if event.stream.startswith(f"{category}-" if category else "")]
    report, last = check_order(wanted)
    faults = list(report.faults)
    async for stream in tenant.client.streams.list(category=category):
        info = await tenant.client.streams.get(stream)
        head = -1 if info.head_revision is None else info.head_revision
        # The server may have got further since the log was read, but never less far.
        if head + 1 < last.get(stream, 0) or info.event_count != head + 1:
            faults.append(f"{stream}: {last.get(stream, 0)} is due, the server says {head + 1} of {info.event_count}")
    return SequenceReport(report.aggregates, report.events, faults)
