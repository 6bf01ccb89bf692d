"""What customers, agents and principals of a tenant do: commands made of a seed, the same whenever it is asked.

Commands of one script come one after the other; scripts run side by side. What is decided on a command depends on
the state that it meets, so a log differs from run to run; what must be so of any log is checked, not guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any

from .domain import agents, assistants, calls, customers, ledger, payments, security
from .domain.contracts import Payload
from .domain.folding import Kind

CUSTOMERS = 12
AGENTS = 5
PRINCIPALS = 4
EVENTS_PER_CALL = 24
"""About so many events come of one call, with all that goes with it."""
EVENTS_OF_OPENING = 8 * CUSTOMERS + 3 * AGENTS + 3 * PRINCIPALS
"""About so many events come of what is there before the first call."""

_OPENING_DAY = datetime(2026, 1, 5, 8, tzinfo=UTC)
_INTENTS = ("balance", "complaint", "order", "cancel", "address")
_WORDS = ("hello", "my bill is wrong", "I have moved", "how much is left", "thank you", "one moment please")
_QUEUES = ("billing", "sales", "service")


@dataclass(frozen=True)
class Command:
    """Something that somebody wants of an aggregate."""

    id: str
    """Unique in its tenant."""
    kind: Kind[Any]
    aggregate_id: str
    decide: Callable[[Any], Sequence[Payload]]
    actor: str
    correlation_id: str
    occurred_at: datetime


Script = list[Command]


class Scribe:
    """Writes the commands of one script, which takes some time of the world."""

    def __init__(self, name: str, begins_at: datetime, random: Random) -> None:
        self._name = name
        self._now = begins_at
        self._random = random
        self.script: Script = []

    def add(
        self,
        actor: str,
        kind: Kind[Any],
        aggregate_id: str,
        decide: Callable[..., Sequence[Payload]],
        **details: object,
    ) -> None:
        """The next command, some seconds after the one before."""
        self._now += timedelta(seconds=self._random.randint(1, 20))
        command = Command(
            f"{self._name}/{len(self.script)}",
            kind,
            aggregate_id,
            partial(decide, **details),
            actor,
            self._name,
            self._now,
        )
        self.script.append(command)


class Workload:
    """The commands of one tenant: about so many events come of them."""

    def __init__(self, tenant: str, seed: int, events: int) -> None:
        self._tenant = tenant
        self._seed = seed
        self.calls = max(1, (events - EVENTS_OF_OPENING) // EVENTS_PER_CALL)

    def opening(self) -> list[Script]:
        """What must have been done before the first call."""
        scripts = [self._customer(number) for number in range(CUSTOMERS)]
        scripts += [self._agent(number) for number in range(AGENTS)]
        return scripts

    def scripts(self) -> Iterator[Script]:
        """What goes on then, in the order in which it begins."""
        for number in range(self.calls):
            yield self._call(number)
            if number % 3 == 0:
                yield self._security(number)
            if number % 4 == 0:
                yield self._payment(number)
            if number % 5 == 0:
                yield self._household(number)

    def _customer(self, number: int) -> Script:
        scribe, random = self._scribe("customer", number)
        customer = f"{number}"
        phone = f"+00-{random.randint(100, 999)}-{number:04}"
        scribe.add("desk", customers.KIND, customer, customers.register, name=f"Customer {number}", phone=phone)
        scribe.add("desk", ledger.KIND, customer, ledger.open_account, customer=customer)
        scribe.add("desk", customers.KIND, customer, customers.verify, method=random.choice(("document", "code")))
        scribe.add("desk", customers.KIND, customer, customers.give_consent, purpose="recording", edition=1)
        self._pay(scribe, f"opening-{number}", customer, is_good=True, is_refunded=False)
        return scribe.script

    def _agent(self, number: int) -> Script:
        scribe, random = self._scribe("agent", number)
        agent = f"{number}"
        scribe.add("lead", agents.KIND, agent, agents.hire, name=f"Agent {number}")
        skills = {queue: random.randint(1, 5) for queue in random.sample(_QUEUES, 2)}
        scribe.add("lead", agents.KIND, agent, agents.change_skills, skills=skills)
        scribe.add(f"agent-{agent}", agents.KIND, agent, agents.sign_in, desk=f"desk-{number}")
        return scribe.script

    def _call(self, number: int) -> Script:
        scribe, random = self._scribe("call", number)
        call, customer = f"{number}", f"{random.randrange(CUSTOMERS)}"
        agent = f"{random.randrange(AGENTS)}"
        direction = random.choices(("inbound", "outbound"), (5, 1))[0]
        line = f"line-{random.randint(1, 4)}"
        scribe.add("switch", calls.KIND, call, calls.start, customer=customer, direction=direction, line=line)
        scribe.add("assistant", assistants.KIND, call, assistants.open_session, call=call, model="listener-2")
        for _ in range(random.randint(2, 4)):
            self._say(scribe, call, random)
        if random.random() < 0.15:
            reason = random.choice(("abandoned", "busy", "network"))
            scribe.add("switch", calls.KIND, call, calls.fail, reason=reason)
            scribe.add("assistant", assistants.KIND, call, assistants.close_session, is_abandoned=True)
            return scribe.script
        scribe.add("switch", calls.KIND, call, calls.route, queue=random.choice(_QUEUES))
        scribe.add("switch", agents.KIND, agent, agents.assign, call=call, role="owner")
        scribe.add(f"agent-{agent}", calls.KIND, call, calls.answer, agent=agent)
        self._talk(scribe, call, agent, random)
        return scribe.script

    def _talk(self, scribe: Scribe, call: str, agent: str, random: Random) -> None:
        who = f"agent-{agent}"
        if random.random() < 0.5:
            scribe.add(who, calls.KIND, call, calls.record, recording=f"recording-{call}")
        for _ in range(random.randint(0, 2)):
            scribe.add(who, calls.KIND, call, calls.hold)
            scribe.add(who, calls.KIND, call, calls.resume)
        if random.random() < 0.2:
            second = f"{(int(agent) + 1) % AGENTS}"
            scribe.add("switch", agents.KIND, second, agents.assign, call=call, role="second")
            scribe.add(who, calls.KIND, call, calls.transfer, agent=second)
            scribe.add(f"agent-{second}", agents.KIND, second, agents.complete, call=call, talk_seconds=30)
        self._say(scribe, call, random)
        talk_seconds = random.randint(20, 400)
        scribe.add("switch", calls.KIND, call, calls.end, talk_seconds=talk_seconds)
        scribe.add("switch", agents.KIND, agent, agents.complete, call=call, talk_seconds=talk_seconds)
        scribe.add("assistant", assistants.KIND, call, assistants.close_session, is_abandoned=False)
        if random.random() < 0.6:
            scribe.add("customer", calls.KIND, call, calls.rate, rating=random.randint(1, 5))

    def _say(self, scribe: Scribe, call: str, random: Random) -> None:
        said = partial(scribe.add, "assistant", assistants.KIND, call)
        said(assistants.recognise, speaker=random.choice(("customer", "agent")), text=random.choice(_WORDS))
        chance = random.random()
        if chance < 0.5:
            confidence = round(random.uniform(0.4, 1.0), 2)
            said(assistants.detect_intent, intent=random.choice(_INTENTS), confidence=confidence)
        elif chance < 0.8:
            said(assistants.measure_sentiment, sentiment=round(random.uniform(-0.8, 1.0), 2))
        elif chance < 0.9:
            said(assistants.hand_over)
        said(assistants.reply, text=random.choice(_WORDS))

    def _security(self, number: int) -> Script:
        scribe, random = self._scribe("security", number)
        principal, address = f"{random.randrange(PRINCIPALS)}", f"192.0.2.{random.randint(1, 250)}"
        for _ in range(random.choice((0, 1, 2, 3, 4))):
            scribe.add(principal, security.KIND, principal, security.sign_in, address=address, is_right=False)
        scribe.add("supervisor", security.KIND, principal, security.unlock, by="supervisor")
        scribe.add(principal, security.KIND, principal, security.sign_in, address=address, is_right=True)
        subject = f"customer-{random.randrange(CUSTOMERS)}"
        scribe.add(principal, security.KIND, principal, security.view, subject=subject)
        return scribe.script

    def _payment(self, number: int) -> Script:
        scribe, random = self._scribe("payment", number)
        customer = f"{random.randrange(CUSTOMERS)}"
        is_refunded = random.random() < 0.3
        self._pay(scribe, f"{number}", customer, is_good=random.random() < 0.8, is_refunded=is_refunded)
        return scribe.script

    def _pay(self, scribe: Scribe, payment: str, customer: str, *, is_good: bool, is_refunded: bool) -> None:
        pay = partial(scribe.add, "bank", payments.KIND, payment)
        pay(payments.request, customer=customer, amount_cents=690, credits=60)
        if not is_good:
            pay(payments.decline, reason="funds")
            return
        pay(payments.authorise, authorisation=f"bank-{payment}")
        pay(payments.capture)
        if is_refunded:
            pay(payments.refund)

    def _household(self, number: int) -> Script:
        scribe, random = self._scribe("household", number)
        customer, agent = f"{random.randrange(CUSTOMERS)}", f"{random.randrange(AGENTS)}"
        phone = f"+00-{random.randint(100, 999)}-{number:04}"
        scribe.add("desk", customers.KIND, customer, customers.change_contact, phone=phone)
        scribe.add("customer", customers.KIND, customer, customers.withdraw_consent, purpose="recording")
        scribe.add("customer", customers.KIND, customer, customers.give_consent, purpose="letters", edition=2)
        scribe.add("lead", agents.KIND, agent, agents.change_skills, skills={random.choice(_QUEUES): None, "chat": 1})
        scribe.add(f"agent-{agent}", agents.KIND, agent, agents.sign_out)
        scribe.add(f"agent-{agent}", agents.KIND, agent, agents.sign_in, desk=f"desk-{agent}")
        guest = f"guest-{number}"
        scribe.add("desk", customers.KIND, guest, customers.register, name=f"Guest {number}", phone=phone)
        scribe.add("desk", customers.KIND, guest, customers.close)
        return scribe.script

    def _scribe(self, of: str, number: int) -> tuple[Scribe, Random]:
        """A scribe for a script, with chances of its own: what one draws does not shift what another draws."""
        random = Random(f"{self._seed}/{self._tenant}/{of}/{number}")
        begins_at = _OPENING_DAY if of in ("customer", "agent") else _OPENING_DAY + timedelta(hours=1 + 2 * number)
        return Scribe(f"{of}-{number}", begins_at, random), random
