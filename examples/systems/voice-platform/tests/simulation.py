"""The workload carried out in memory: what a tenant's log would be with a driver and the billing reactor alone."""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

from quipu_client import NewEvent, RecordedEvent

from voice_platform.domain import calls, ledger, payments, security
from voice_platform.domain.contracts import Payload
from voice_platform.domain.folding import Kind, Rejected
from voice_platform.domain.kinds import KINDS
from voice_platform.envelope import Context
from voice_platform.workload import Workload

_BEGAN_AT = datetime(2026, 3, 1, tzinfo=UTC)


class Simulation:
    """A log in memory and the states that it folds to."""

    def __init__(self) -> None:
        self.log: list[RecordedEvent] = []
        self.states: dict[str, Any] = {}
        self._revisions: dict[str, int] = defaultdict(int)

    def run(self, workload: Workload) -> None:
        """Carry out all commands, one script after the other."""
        for script in [*workload.opening(), *workload.scripts()]:
            for command in script:
                context = Context("simulated", command.actor, command.correlation_id, command.id, command.occurred_at)
                try:
                    payloads = command.decide(self.state(command.kind, command.aggregate_id))
                except Rejected:
                    continue
                self.append(command.kind, command.aggregate_id, payloads, context)

    def state(self, kind: Kind[Any], aggregate_id: str) -> Any:
        return self.states.get(kind.stream(aggregate_id), kind.state())

    def append(self, kind: Kind[Any], aggregate_id: str, payloads: Any, context: Context) -> None:
        stream = kind.stream(aggregate_id)
        for payload in payloads:
            event = self._record(stream, context.event(stream, payload))
            self.log.append(event)
            self.states[stream] = kind.fold(self.state(kind, aggregate_id), event)
            self._react(event, payload)

    def _record(self, stream: str, event: NewEvent) -> RecordedEvent:
        self._revisions[stream] += 1
        return RecordedEvent(
            event.id or str(uuid.uuid4()),
            stream,
            self._revisions[stream] - 1,
            len(self.log) + 1,
            _BEGAN_AT + timedelta(seconds=len(self.log)),
            event.type,
            json.dumps(json.loads(event.data)).encode(),
            "application/json",
            event.schema_version,
            event.tags,
            event.metadata,
            event.correlation_id,
            event.causation_id,
            event.occurred_at,
        )

    def _react(self, event: RecordedEvent, payload: Payload) -> None:
        """What reactors would do at once."""
        assert event.occurred_at is not None
        context = Context("simulated", "billing", event.correlation_id, event.id, event.occurred_at)
        name = event.stream.partition("-")[2]
        if isinstance(payload, security.SignInFailed):
            self.append(security.KIND, name, security.lock(self.state(security.KIND, name)), context)
            return
        customer = getattr(payload, "customer", None) or getattr(self.state(calls.KIND, name), "customer", None)
        account = self.state(ledger.KIND, customer or "")
        movements: list[Payload] = []
        match payload:
            case calls.CallStarted():
                movements = ledger.reserve(account, call=name)
            case calls.CallEnded(talk_seconds=seconds):
                movements = ledger.consume(account, call=name, talk_seconds=seconds)
            case calls.CallFailed():
                movements = ledger.release(account, call=name)
            case payments.PaymentCaptured(credits=amount):
                movements = ledger.purchase(account, payment=name, amount=amount)
            case payments.PaymentRefunded(credits=amount):
                movements = ledger.withdraw(account, payment=name, amount=amount)
        self.append(ledger.KIND, customer or "", movements, context)


def simulated(seed: int, events: int) -> Simulation:
    """A simulation of this workload, to its end."""
    simulation = Simulation()
    simulation.run(Workload("simulated", seed, events))
    assert simulation.states.keys() == {event.stream for event in simulation.log}
    assert {stream.partition("-")[0] for stream in simulation.states} <= KINDS.keys()
    return simulation
