"""What read models and effects must be: a plain fold over the events of the log.

It knows nothing of the system: it reads payloads as they are in the log, groups them, and adds up.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from quipu_client import RecordedEvent

from .workload import REGULATED, is_unsure

Documents: TypeAlias = dict[tuple[str, str, str], Any]
"""By read model, or `effects`, then type and id."""
K = TypeVar("K", bound=Hashable)

_OF_REACTORS = ("ReviewersNotified", "ComplianceReviewOpened")


@dataclass(frozen=True)
class Fact:
    """What the fold sees of an event."""

    id: str
    type: str
    position: int
    day: str
    at: str
    says: dict[str, Any]


def facts_of(log: Iterable[RecordedEvent]) -> list[Fact]:
    """The log in the fold's own words."""
    facts = []
    for event in log:
        at = (event.occurred_at or event.recorded_at).isoformat()
        facts.append(Fact(event.id, event.type, event.position, at[:10], at, event.json()))
    return facts


def expected_documents(facts: list[Fact]) -> Documents:
    """All documents of all read models."""
    talks = _group(facts, lambda fact: fact.says["conversation_id"])
    days = _group([it for it in facts if it.type not in _OF_REACTORS], lambda fact: fact.day)
    uses = [it for it in facts if it.type == "ToolExecuted"]
    tools = _group(uses, lambda fact: fact.says["tool"])
    tool_days = _group(uses, lambda fact: f"{fact.says['tool']}/{fact.day}")
    return {
        **{("conversations", "conversation", name): _conversation(group) for name, group in talks.items()},
        **{("daily-analytics", "day", day): _day(group) for day, group in days.items()},
        **{("tool-usage", "tool", name): _usage(group) for name, group in tools.items()},
        **{("tool-usage", "tool-day", name): _usage(group) for name, group in tool_days.items()},
    }


def expected_effects(facts: list[Fact]) -> Documents:
    """One message and one notification for each request for a person, one review for each regulated decision."""
    effects: Documents = {}
    for fact in facts:
        says = fact.says
        if fact.type == "HumanInterventionRequested":
            text = says["reason"]
            effects["effects", "message", fact.id] = [says["conversation_id"], _reviewers(says), text]
            effects["effects", "notification", fact.id] = 1
        if fact.type == "AIDecisionMade" and says["kind"] in REGULATED:
            effects["effects", "review", fact.id] = 1
    return effects


def recorded_effects(facts: list[Fact]) -> Documents:
    """How often each notification and each review is in the log."""
    counts = Counter(("effects", "notification", it.says["request_id"]) for it in facts if it.type == _OF_REACTORS[0])
    counts.update(("effects", "review", it.says["decision_id"]) for it in facts if it.type == _OF_REACTORS[1])
    return dict(counts)


def broken_pairs(log: Iterable[RecordedEvent]) -> list[str]:
    """Decisions that do not stand right behind their request for a person, or need none and have one."""
    before: dict[str, RecordedEvent] = {}
    faults = []
    for event in log:
        if event.type == "AIDecisionMade":
            last, says = before.get(event.stream), event.json()
            is_asked = (
                last is not None
                and last.type == "HumanInterventionRequested"
                and last.json()["decision_id"] == event.id
                and (last.position, last.revision) == (event.position - 1, event.revision - 1)
            )
            if is_asked != is_unsure(says["kind"], says["confidence"]):
                faults.append(f"decision {event.id} at position {event.position}: request before it is {is_asked}")
        before[event.stream] = event
    return faults


def _group(facts: list[Fact], key: Callable[[Fact], K]) -> dict[K, list[Fact]]:
    groups: dict[K, list[Fact]] = defaultdict(list)
    for fact in facts:
        groups[key(fact)].append(fact)
    return groups


def _of(group: list[Fact], event_type: str) -> list[dict[str, Any]]:
    return [fact.says for fact in group if fact.type == event_type]


def _conversation(group: list[Fact]) -> dict[str, Any]:
    start = next(fact for fact in group if fact.type == "ConversationStarted")
    overrides = {says["decision_id"]: says for says in _of(group, "HumanOverride")}
    told = {says["request_id"]: says["reviewers"] for says in _of(group, "ReviewersNotified")}
    uses = _of(group, "ToolExecuted")
    interventions = {
        says["request_id"]: {
            "decision_id": says["decision_id"],
            "reason": says["reason"],
            "notified": told.get(says["request_id"], []),
            "resolved": says["decision_id"] in overrides,
        }
        for says in _of(group, "HumanInterventionRequested")
    }
    return {
        **{name: start.says[name] for name in ("customer_id", "channel", "assistant")},
        "started_at": start.at,
        "events": len(group),
        "position": group[-1].position,
        "decisions": {
            says["decision_id"]: {
                "kind": says["kind"],
                "decided": says["outcome"],
                "confidence": says["confidence"],
                "holds": overrides.get(says["decision_id"], says)["outcome"],
                "overridden_by": overrides.get(says["decision_id"], {}).get("reviewer"),
            }
            for says in _of(group, "AIDecisionMade")
        },
        "tools": {"executed": len(uses), "failed": sum(not says["success"] for says in uses)},
        "interventions": interventions,
        "needs_person": not all(it["resolved"] for it in interventions.values()),
        "reviews": {says["review_id"]: says["decision_id"] for says in _of(group, "ComplianceReviewOpened")},
    }


def _day(group: list[Fact]) -> dict[str, Any]:
    starts, decisions, uses = (_of(group, it) for it in ("ConversationStarted", "AIDecisionMade", "ToolExecuted"))
    requests = _of(group, "HumanInterventionRequested")
    points = sum(round(says["confidence"] * 10_000) for says in decisions)
    return {
        "position": group[-1].position,
        "conversations": len(starts),
        "channels": dict(Counter(says["channel"] for says in starts)),
        "decisions": len(decisions),
        "kinds": dict(Counter(says["kind"] for says in decisions)),
        "confidence_basis_points": points,
        "average_confidence": round(points / len(decisions) / 10_000, 4) if decisions else None,
        "interventions": len(requests),
        "unsure_decisions": sum(says["decision_id"] is not None for says in requests),
        "overrides": len(_of(group, "HumanOverride")),
        "tools": len(uses),
        "tool_failures": sum(not says["success"] for says in uses),
        "tool_microseconds": sum(round(says["seconds"] * 1_000_000) for says in uses),
    }


def _usage(group: list[Fact]) -> dict[str, Any]:
    times = [round(fact.says["seconds"] * 1_000_000) for fact in group]
    failures = sum(not fact.says["success"] for fact in group)
    return {
        "position": group[-1].position,
        "executions": len(group),
        "failures": failures,
        "success_rate": round(1 - failures / len(group), 4),
        "microseconds": sum(times),
        "slowest_microseconds": max(times),
        "mean_seconds": round(sum(times) / len(times) / 1_000_000, 6),
    }


def _reviewers(request: dict[str, Any]) -> list[str]:
    if request["decision_kind"] is None:
        return ["service-desk"]
    return ["compliance-desk", "duty-officer"] if request["decision_kind"] in REGULATED else ["duty-officer"]
