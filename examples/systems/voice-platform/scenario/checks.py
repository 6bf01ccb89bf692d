"""What must be so of a tenant in the end. Every check gives what is amiss, in words; nothing is right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from quipu_client import RecordedEvent

from voice_platform.domain.contracts import ContractViolation
from voice_platform.domain.folding import payload_of
from voice_platform.domain.kinds import KINDS
from voice_platform.outbox import Outbox
from voice_platform.projections import PROJECTIONS
from voice_platform.projections.documents import list_documents
from voice_platform.reactions import REACTIONS
from voice_platform.sequences import check_sequences
from voice_platform.states import server_state, typed_state
from voice_platform.statistics import activity_of, list_event_types, statistics_of
from voice_platform.tenancy import SNAPSHOT_EVERY, Tenant

from . import expected

_PAGE = 25


@dataclass(frozen=True)
class Driven:
    """What the driver has done for a tenant."""

    commands: frozenset[str]
    """All that there were, by their ids."""
    changed: int
    """How many of them changed something."""


@dataclass
class Findings:
    """What was compared, and what is amiss."""

    events: int = 0
    documents: int = 0
    amiss: list[str] = field(default_factory=list)

    def compare(self, what: str, found: object, wanted: object) -> None:
        """Note it when two things are not the same."""
        if found != wanted:
            self.amiss.append(f"{what}: {found!r} instead of {wanted!r}")


async def check_tenant(tenant: Tenant, outbox: Outbox, others: Sequence[Tenant], driven: Driven) -> Findings:
    """All checks of a tenant."""
    findings = Findings()
    log = await tenant.client.read_all().collect()
    findings.events = len(log)
    await _check_read_models(tenant, log, findings)
    await _check_states(tenant, log, findings)
    await _check_counts(tenant, log, findings)
    await _check_isolation(tenant, log, others, findings)
    _check_contracts(log, findings)
    findings.amiss += (await check_sequences(tenant)).faults
    findings.amiss += expected.effects_amiss(log)
    findings.amiss += expected.commands_amiss(log)
    changing = expected.changing_commands(log)
    findings.compare("commands that changed something", len(changing), driven.changed)
    findings.compare("commands of nobody", changing - driven.commands, set())
    notices, wanted = Counter(it["event"] for it in outbox.notices().values()), Counter(expected.alerts(log))
    findings.amiss += [f"{it}: {notices[it]} notices" for it in notices.keys() | wanted if notices[it] != wanted[it]]
    for group in REACTIONS:
        findings.amiss += [
            f"{group} has parked {it.event.position}: {it.reason}"
            async for it in tenant.client.consumers.list_parked(group)
        ]
    return findings


async def documents_of(tenant: Tenant, model: str, generation: int = 0) -> expected.Documents:
    """All documents of a generation of a read model."""
    listed = tenant.client.read_models.list(model, generation=generation)
    return {(document.type, document.id): document.json() async for document in listed}


async def _check_read_models(tenant: Tenant, log: list[RecordedEvent], findings: Findings) -> None:
    for model in PROJECTIONS:
        wanted = expected.expected(model, log)
        found = {}
        for kind in {kind for kind, _ in wanted}:
            found.update(await _by_pages(tenant, model, kind))
        findings.documents += len(wanted)
        _compare_documents(f"{tenant.name} {model}", found, wanted, findings)
        findings.compare(f"{model} as a whole", (await documents_of(tenant, model)).keys(), wanted.keys())


async def _by_pages(tenant: Tenant, model: str, kind: str) -> expected.Documents:
    """The documents of a type, a page at a time, as a reader that counts pages asks for them."""
    found: expected.Documents = {}
    while page := await list_documents(tenant, model, kind, limit=_PAGE, offset=len(found)):
        found.update({(document.type, document.id): document.json() for document in page})
    return found


def _compare_documents(
    what: str, found: Mapping[Any, object], wanted: Mapping[Any, object], findings: Findings
) -> None:
    for key in found.keys() | wanted.keys():
        there, due = found.get(key), wanted.get(key)
        if isinstance(there, dict) and isinstance(due, dict):
            names = [name for name in there.keys() | due.keys() if there.get(name) != due.get(name)]
            there, due = ({name: it.get(name) for name in names} for it in (there, due))
        findings.compare(f"{what} {key}", there, due)


async def _check_states(tenant: Tenant, log: list[RecordedEvent], findings: Findings) -> None:
    """The server's fold and the typed one, each with and without snapshots, against the plain one."""
    lengths = Counter(event.stream for event in log)
    for stream, wanted in expected.states(log).items():
        category, _, aggregate_id = stream.partition("-")
        kind = KINDS[category]
        for without_snapshot in (False, True):
            how = f"{stream}, {'without' if without_snapshot else 'with'} snapshots"
            by_server = await server_state(tenant, kind, aggregate_id, without_snapshot=without_snapshot)
            findings.compare(f"{how}, by the server", by_server.state, wanted)
            typed = await typed_state(tenant, kind, aggregate_id, without_snapshot=without_snapshot)
            findings.compare(f"{how}, typed", typed and kind.dump(typed.state), wanted)
        for snapshot in [] if kind.saves_own_snapshots else await tenant.client.snapshots.list(stream):
            is_due = (snapshot.revision + 1) % SNAPSHOT_EVERY == 0 and snapshot.revision < lengths[stream]
            findings.compare(f"{stream} has a snapshot at {snapshot.revision + 1} that is due", is_due, True)


async def _check_counts(tenant: Tenant, log: list[RecordedEvent], findings: Findings) -> None:
    """The list of types and the statistics against counting."""
    counts = await statistics_of(tenant)
    types = Counter(event.type for event in log)
    findings.compare("events", counts.events, len(log))
    findings.compare("event types", await list_event_types(tenant), sorted(types))
    findings.compare("events by type", counts.by_type, types)
    categories = Counter(event.stream.partition("-")[0] for event in log)
    findings.compare("events by type of aggregate", counts.by_aggregate_type, categories)
    findings.compare("events by date", counts.by_date, Counter(event.recorded_at.date() for event in log))
    activity = Counter(((it.occurred_at or it.recorded_at).date(), it.stream.partition("-")[0]) for it in log)
    findings.compare("events by date and type of aggregate", await activity_of(tenant), activity)


async def _check_isolation(
    tenant: Tenant, log: list[RecordedEvent], others: Sequence[Tenant], findings: Findings
) -> None:
    """Nothing of another tenant is here, although streams have the same names there."""
    findings.compare("tenants in the log", {event.metadata["tenant"] for event in log}, {tenant.name})
    streams, ids = {event.stream for event in log}, {event.id for event in log}
    for other in others:
        theirs = await other.client.read_all().collect()
        findings.compare("events shared", ids & {event.id for event in theirs}, set())
        findings.compare("names shared", bool(streams & {event.stream for event in theirs}), True)


def _check_contracts(log: list[RecordedEvent], findings: Findings) -> None:
    for event in log:
        try:
            payload_of(event)
        except ContractViolation as violation:
            findings.amiss.append(f"position {event.position}: {violation}")
