"""What is asked of the system when it has caught up: each check gives what is wrong, a line each."""

from __future__ import annotations

import asyncio
import urllib.request
from collections import Counter
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from quipu_client import AsyncClient, RecordedEvent

from ai_interactions.conversations import Conversations
from ai_interactions.projections import PROJECTIONS
from ai_interactions.replay import documents_at
from ai_interactions.reviewer_inbox import InboxDirectory
from ai_interactions.status import progress

from .expected import Documents, expected_documents, facts_of, recorded_effects
from .fleet import Fleet
from .waiting import PATIENCE, eventually
from .workload import Plan, planned_events


async def caught_up(client: AsyncClient) -> None:
    """Wait until nobody has anything left to do, and nothing is parked."""

    async def is_so() -> bool:
        return all([it.is_caught_up and not it.parked async for it in progress(client)])

    await eventually(is_so, "all consumers have caught up")


async def read_documents(client: AsyncClient) -> Documents:
    """All documents of the read models, as readers see them."""
    return {
        (model, document.type, document.id): document.json()
        for model in PROJECTIONS
        async for document in client.read_models.list(model, page_size=500)
    }


def read_effects(log: list[RecordedEvent], inbox: InboxDirectory) -> Documents:
    """All effects of the reactors: what is in the inbox, and what they appended."""
    messages = {
        ("effects", "message", it.id): [it.conversation_id, list(it.reviewers), it.text] for it in inbox.messages()
    }
    return {**messages, **recorded_effects(facts_of(log))}


def differences(actual: Documents, expected: Documents) -> list[str]:
    """Documents that are missing, too many, or not as they must be."""
    found = []
    for key in sorted(actual.keys() | expected.keys()):
        is_so, must_be = actual.get(key), expected.get(key)
        if is_so != must_be:
            found.append(f"{'/'.join(key)}: {_difference(is_so, must_be)}")
    return found


def miscounts(log: list[RecordedEvent], plans: list[Plan]) -> list[str]:
    """Types of events of which there are not as many as the workload leads to: commands lost or done twice."""
    actual, expected = Counter(event.type for event in log), planned_events(plans)
    return [
        f"{actual[it]} events {it}, and must be {expected[it]}"
        for it in sorted(actual.keys() | expected.keys())
        if actual[it] != expected[it]
    ]


async def mismeasured(log: list[RecordedEvent], fleet: Fleet) -> list[str]:
    """Consumers whose metrics do not say that they handled each of their events once: so it is without a kill."""
    found = []
    for name, child in fleet.consumers.items():
        measured = await asyncio.to_thread(_handled, child.said[0]["metrics"])
        types = PROJECTIONS[name].handlers.keys() if name in PROJECTIONS else measured.keys()
        expected = {it: count for it, count in Counter(event.type for event in log).items() if it in types}
        if name == "compliance-reviews":
            expected = {"AIDecisionMade": sum(event.type == "ComplianceReviewOpened" for event in log)}
        if measured != expected:
            found.append(f"{name} has measured {measured}, and must have {expected}")
    return found


async def misremembered(client: AsyncClient, log: list[RecordedEvent]) -> list[str]:
    """Read models that a replay to a point in time gets wrong: in the middle of the log, and at its end."""
    found = []
    for last in (log[len(log) // 2], log[-1]):
        known = [event for event in log if event.recorded_at <= last.recorded_at]
        actual: Documents = {}
        for model, projection in PROJECTIONS.items():
            documents = (await documents_at(client, projection, last.recorded_at)).all()
            actual.update({(model, *key): document for key, document in documents.items()})
        wrong = differences(actual, expected_documents(facts_of(known)))
        found += [f"as of {last.recorded_at}: {it}" for it in wrong]
    return found


async def misrestored(client: AsyncClient, plans: list[Plan]) -> list[str]:
    """Conversations that are not the same with and without their snapshots; or that there are no snapshots."""
    conversations = Conversations(client)
    found, snapshots = [], 0
    for plan in plans:
        restored = await conversations.load(plan.conversation_id)
        snapshots += restored.snapshot_revision is not None
        if restored.state != (await conversations.load(plan.conversation_id, without_snapshot=True)).state:
            found.append(f"conversation {plan.conversation_id} is another one without its snapshot")
    return found if snapshots else [*found, "no conversation has a snapshot"]


def _difference(is_so: Any, must_be: Any) -> str:
    if isinstance(is_so, dict) and isinstance(must_be, dict):
        names = [name for name in sorted(is_so.keys() | must_be.keys()) if is_so.get(name) != must_be.get(name)]
        return ", ".join(f"{name} is {is_so.get(name)!r:.80}, and must be {must_be.get(name)!r:.80}" for name in names)
    return f"is {is_so!r:.80}, and must be {must_be!r:.80}"


def _handled(address: str) -> dict[str, int]:
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=PATIENCE) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    return {
        sample.labels["type"]: int(sample.value)
        for family in families
        for sample in family.samples
        if sample.name == "ai_events_total" and sample.labels["outcome"] == "handled"
    }
