"""What is asked of the system: the same for the same seed.

Owns `workload`: conversations as rounds of commands. The commands of a round are issued at the same time, so writers
of one conversation do get in each other's way; those of the next one follow when they are done.
"""

from __future__ import annotations

import random
import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from ai_interactions.commands import (
    Command,
    OverrideDecision,
    RecordDecision,
    RecordTool,
    RequestPerson,
    StartConversation,
)
from ai_interactions.events import Alternative, Channel, DecisionKind, Factor

BEGIN = datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc)
CHANNELS: tuple[Channel, ...] = ("branch", "chat", "email", "phone")
TOOLS = ("account_ledger", "credit_bureau", "identity_check", "sanctions_list", "transfer_limits")
OUTCOMES = ("approve", "defer", "deny")
FACTORS = ("balance", "country", "credit_score", "history", "income", "velocity")
LONG_CONVERSATION = 0.05
"""The share of conversations that are long enough to have snapshots."""
REGULATED = ("account_closure", "large_transfer", "loan_approval", "suspicious_activity_report")


@dataclass(frozen=True)
class Plan:
    """One conversation."""

    conversation_id: str
    rounds: tuple[tuple[Command, ...], ...]

    @property
    def commands(self) -> list[Command]:
        """All commands, in the order of the rounds."""
        return [command for commands in self.rounds for command in commands]


def workload(seed: int, events: int) -> list[Plan]:
    """Conversations that lead to at least so many events, reactions included."""
    lot = random.Random(seed)
    plans: list[Plan] = []
    planned = 0
    while planned < events:
        plan = _conversation(lot, len(plans))
        plans.append(plan)
        planned += planned_events([plan]).total()
    return plans


def planned_events(plans: list[Plan]) -> Counter[str]:
    """How many events of each type the plans lead to, reactions included, when each command has its effect once."""
    counts: Counter[str] = Counter()
    for command in (command for plan in plans for command in plan.commands):
        match command:
            case StartConversation():
                counts["ConversationStarted"] += 1
            case RecordDecision():
                counts["AIDecisionMade"] += 1
                counts["HumanInterventionRequested"] += is_unsure(command.kind.value, command.confidence)
                counts["ComplianceReviewOpened"] += command.kind.value in REGULATED
            case RecordTool():
                counts["ToolExecuted"] += 1
            case RequestPerson():
                counts["HumanInterventionRequested"] += 1
            case OverrideDecision():
                counts["HumanOverride"] += 1
    counts["ReviewersNotified"] = counts["HumanInterventionRequested"]
    return counts


def is_unsure(kind: str, confidence: float) -> bool:
    """Whether a person is to look at a decision, in words of its own: not the system's policy."""
    return confidence < (0.85 if kind in REGULATED else 0.75)


def _conversation(lot: random.Random, number: int) -> Plan:
    conversation_id = f"{number:05d}"
    at = BEGIN + timedelta(minutes=47 * number)
    start = StartConversation(
        conversation_id,
        _id(lot),
        at,
        customer_id=f"c{lot.randrange(1000):03d}",
        channel=lot.choice(CHANNELS),
        assistant=f"teller-{lot.randint(1, 3)}",
    )
    rounds: list[tuple[Command, ...]] = [(start,)]
    decided: list[RecordDecision] = []
    for _ in range(lot.randint(25, 40) if lot.random() < LONG_CONVERSATION else lot.randint(2, 8)):
        at += timedelta(seconds=lot.randint(20, 600))
        commands: list[Command] = [_step(lot, conversation_id, at) for _ in range(lot.choice((1, 1, 2, 3)))]
        if decided and lot.random() < 0.4:
            commands.append(_override(lot, decided.pop(lot.randrange(len(decided))), at))
        decided += [it for it in commands if isinstance(it, RecordDecision)]
        rounds.append(tuple(commands))
    return Plan(conversation_id, tuple(rounds))


def _step(lot: random.Random, conversation_id: str, at: datetime) -> Command:
    kind = lot.random()
    if kind < 0.5:
        return _tool(lot, conversation_id, at)
    if kind < 0.95:
        return _decision(lot, conversation_id, at)
    return RequestPerson(conversation_id, _id(lot), at, reason="the customer asks for a person")


def _decision(lot: random.Random, conversation_id: str, at: datetime) -> RecordDecision:
    outcome, *others = lot.sample(OUTCOMES, 3)
    # Some are exactly at a threshold, which is enough.
    confidence = lot.choice((0.75, 0.85)) if lot.random() < 0.1 else round(lot.betavariate(7, 2), 4)
    factors = tuple(Factor(name=name, weight=round(lot.uniform(-1, 1), 3)) for name in lot.sample(FACTORS, 3))
    rest = round(1 - confidence, 4)
    alternatives = tuple(Alternative(outcome=other, confidence=round(rest / 2, 4)) for other in others)
    kind = lot.choice(list(DecisionKind))
    return RecordDecision(conversation_id, _id(lot), at, kind, outcome, confidence, factors, alternatives)


def _tool(lot: random.Random, conversation_id: str, at: datetime) -> RecordTool:
    success = lot.random() < 0.9
    return RecordTool(
        conversation_id,
        _id(lot),
        at,
        tool=lot.choice(TOOLS),
        parameters={"account": f"a{lot.randrange(10_000):04d}", "days": lot.choice((7, 30, 90))},
        result={"entries": lot.randrange(50)} if success else {"error": "timed out"},
        seconds=round(lot.expovariate(2.0), 6),
        success=success,
    )


def _override(lot: random.Random, decision: RecordDecision, at: datetime) -> OverrideDecision:
    outcome = lot.choice([other for other in OUTCOMES if other != decision.outcome])
    reviewer = lot.choice(("ines", "marek", "tove"))
    return OverrideDecision(
        decision.conversation_id, _id(lot), at, decision.id, reviewer, outcome, reason="the documents say otherwise"
    )


def _id(lot: random.Random) -> str:
    return str(uuid.UUID(int=lot.getrandbits(128), version=4))
