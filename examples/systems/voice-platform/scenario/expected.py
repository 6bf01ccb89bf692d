"""What read models must hold in the end, by a plain fold over the events of the log.

It shares nothing with the projections but the log: events are raw JSON here, and documents are made all at once.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from quipu_client import RecordedEvent

Documents = dict[tuple[str, str], dict[str, Any]]
"""By type and id."""


REACTORS = ("billing", "guarding")
"""The actors of events that reactors append."""


def expected(model: str, events: Iterable[RecordedEvent]) -> Documents:
    """The documents of a read model."""
    documents: Documents = {}
    folds = {"calls": _calls, "accounts": _accounts, "activity": _activity}
    for event in events:
        touched = folds[model](documents, event, json.loads(event.data))
        if touched is not None:
            aggregate = event.stream
            last = {"id": event.id, "type": event.type, "aggregate": aggregate, "sequence": event.revision + 1}
            documents[touched]["last_event"] = last
    return documents


def states(events: Iterable[RecordedEvent]) -> dict[str, Any]:
    """The state of each stream: its payloads as merge patches, one over the other."""
    folded: dict[str, Any] = {}
    for event in events:
        folded[event.stream] = _merge(folded.get(event.stream), json.loads(event.data))
    return folded


def alerts(events: Iterable[RecordedEvent]) -> list[str]:
    """The ids of the events that somebody must have been told of, once of each."""
    wanted = {"AiHandoverRequested", "CreditsRefused", "PaymentDeclined", "PrincipalLocked"}
    return [event.id for event in events if event.type in wanted]


def commands_amiss(events: Iterable[RecordedEvent]) -> list[str]:
    """Commands that were carried out more than once: what one leads to lies together and is of different types."""
    amiss = []
    by_command: dict[str, list[RecordedEvent]] = defaultdict(list)
    for event in events:
        if event.metadata["actor"] not in REACTORS:
            by_command[event.causation_id].append(event)
    for command, led_to in by_command.items():
        is_together = led_to[-1].position - led_to[0].position == len(led_to) - 1
        if not is_together or len({event.type for event in led_to}) < len(led_to):
            amiss.append(f"{command} was carried out more than once: {[event.type for event in led_to]}")
    return amiss


def changing_commands(events: Iterable[RecordedEvent]) -> set[str]:
    """The commands that led to events."""
    return {event.causation_id for event in events if event.metadata["actor"] not in REACTORS}


def effects_amiss(events: Iterable[RecordedEvent]) -> list[str]:
    """What reactors have not done once for what they should do once."""
    led_to = {"CallStarted": 1, "CallEnded": 1, "CallFailed": 1, "PaymentCaptured": 1, "PaymentRefunded": 1}
    log = list(events)
    caused = Counter(it.causation_id for it in log if it.metadata["actor"] in REACTORS)
    refused = {json.loads(it.data)["call"] for it in log if it.type == "CreditsRefused"}
    failures: dict[str, int] = defaultdict(int)
    amiss = []
    for event in log:
        if event.type in led_to:
            is_free = event.type in ("CallEnded", "CallFailed") and event.stream.removeprefix("call-") in refused
            wanted = 0 if is_free else 1
            if caused[event.id] != wanted:
                amiss.append(f"{event.type} {event.id} led to {caused[event.id]} movements instead of {wanted}")
        if event.type == "SignInFailed":
            failures[event.stream] = json.loads(event.data)["failures"]
        elif event.type in ("SignInSucceeded", "PrincipalLocked"):
            if event.type == "PrincipalLocked" and failures[event.stream] < 3:
                amiss.append(f"{event.stream} is locked after {failures[event.stream]} failures")
            failures[event.stream] = 0
    amiss += [f"{stream} is not locked after {count} failures" for stream, count in failures.items() if count > 2]
    return amiss


def _calls(documents: Documents, event: RecordedEvent, said: dict[str, Any]) -> tuple[str, str] | None:
    category, _, name = event.stream.partition("-")
    if event.type == "CreditsConsumed":
        documents["call", said["call"]]["credits"] = said["amount"]
        return "call", said["call"]
    if category in ("agent", "call"):
        documents[category, name] = _merge(documents.get((category, name)), said)
        return category, name
    if category != "ai" or event.type == "AiReplySpoken":
        return None
    call = documents["call", name]
    kept = {"model": "model", "segments": "segments", "intent": "intent", "why": "handover", "outcome": "outcome"}
    call.update({to: said[of] for of, to in kept.items() if of in said})
    if "sentiment" in said:
        call["worst_sentiment"] = min(said["sentiment"], call.get("worst_sentiment", said["sentiment"]))
    return "call", name


def _accounts(documents: Documents, event: RecordedEvent, said: dict[str, Any]) -> tuple[str, str] | None:
    category, _, name = event.stream.partition("-")
    if category == "security":
        principal = documents.setdefault(("principal", name), {})
        counts = {"SignInSucceeded": "sign_ins", "SignInFailed": "failures", "PrincipalLocked": "locks"}
        counted = {**counts, "PrincipalUnlocked": "unlocks"}.get(event.type)
        if counted is not None:
            principal[counted] = principal.get(counted, 0) + 1
        else:
            seen = principal.setdefault("seen", {})
            seen[said["subject"]] = seen.get(said["subject"], 0) + 1
        return "principal", name
    if category == "customer":
        nothing = dict.fromkeys(("calls", "paid_cents", "credits", "consumed", "refused"), 0)
        documents["customer", name] = {**nothing, **_merge(documents.get(("customer", name)), said)}
        return "customer", name
    cents = {"PaymentCaptured": 1, "PaymentRefunded": -1}.get(event.type, 0)
    is_of_credit = category == "credit" and event.type != "CreditAccountOpened"
    if not (event.type == "CallStarted" or cents or is_of_credit):
        return None
    owner = name if is_of_credit else said["customer"]
    customer = documents["customer", owner]
    customer["calls"] += event.type == "CallStarted"
    customer["paid_cents"] += cents * said.get("amount_cents", 0)
    customer["consumed"] += said["amount"] if event.type == "CreditsConsumed" else 0
    customer["refused"] += event.type == "CreditsRefused"
    customer["credits"] = said.get("balance", customer["credits"])
    return "customer", owner


def _activity(documents: Documents, event: RecordedEvent, _: dict[str, Any]) -> tuple[str, str]:
    happened_at = event.occurred_at or event.recorded_at
    key = "day", f"{happened_at.date()}/{event.stream.partition('-')[0]}"
    day = documents.setdefault(key, {"events": 0, "types": {}})
    day["events"] += 1
    day["types"][event.type] = day["types"].get(event.type, 0) + 1
    return key


def _merge(before: Any, patch: Any) -> Any:
    """A JSON merge patch, as RFC 7396 tells it."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(before) if isinstance(before, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merge(merged.get(name), value)
    return merged
