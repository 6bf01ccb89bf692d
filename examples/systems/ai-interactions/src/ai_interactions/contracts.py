"""Between payloads and events, checked both ways.

Owns the register of contracts. An event is checked before it is appended, as it will be read, and again whenever it
is read: what does not keep its contract raises `ContractViolation` and gets no further.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar

from pydantic import ValidationError
from quipu_client import NewEvent, RecordedEvent

from . import events

P = TypeVar("P", bound=events.Payload)

CONTRACTS: dict[tuple[str, str], type[events.Payload]] = {
    (contract.event_type, contract.schema_version): contract
    for contract in (
        events.ConversationStarted,
        events.AIDecisionMade,
        events.ToolExecuted,
        events.HumanInterventionRequested,
        events.HumanOverride,
        events.ComplianceReviewOpened,
        events.ReviewersNotified,
    )
}
"""The contracts by type of event and version of its shape."""


class ContractViolation(Exception):  # noqa: N818
    """An event is not what its contract says."""


def derived_id(fact_id: str, what: str) -> str:
    """The id of what follows from a fact: the same each time, so that a repetition is recognised."""
    return str(uuid.uuid5(uuid.UUID(fact_id), what))


def propose(
    payload: events.Payload,
    event_id: str,
    *,
    at: datetime | None = None,
    caused_by: str = "",
    tags: Iterable[str] = (),
) -> NewEvent:
    """The event that says so. All events of a conversation, whatever their stream, share its correlation id."""
    data = payload.model_dump_json().encode()
    contract = CONTRACTS.get((payload.event_type, payload.schema_version))
    if contract is not type(payload):
        raise ContractViolation(f"{type(payload).__name__} is no contract")
    _check(contract, data, f"{payload.event_type} {event_id}")
    return NewEvent(
        payload.event_type,
        data,
        id=event_id,
        schema_version=payload.schema_version,
        correlation_id=payload.conversation_id,
        causation_id=caused_by,
        occurred_at=at,
        tags=tags,
    )


def read(event: RecordedEvent) -> events.Payload:
    """What a recorded event says."""
    contract = CONTRACTS.get((event.type, event.schema_version))
    if contract is None:
        raise ContractViolation(f"no contract for version {event.schema_version} of {event.type}: {_place(event)}")
    return _check(contract, event.data, _place(event))


def read_as(contract: type[P], event: RecordedEvent) -> P:
    """What a recorded event of this type says."""
    payload = read(event)
    if not isinstance(payload, contract):
        raise ContractViolation(f"{event.type} is not {contract.event_type}: {_place(event)}")
    return payload


def _check(contract: type[P], data: bytes, what: str) -> P:
    try:
        return contract.model_validate_json(data)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, it['loc'])) or 'payload'}: {it['msg']}" for it in error.errors())
        raise ContractViolation(f"{what} breaks its contract: {faults}") from error


def _place(event: RecordedEvent) -> str:
    return f"{event.type} at position {event.position}"
