from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

import pytest

from voice_platform.domain import agents, assistants, calls, customers, ledger, payments, security
from voice_platform.domain.contracts import Payload
from voice_platform.domain.folding import Kind, Rejected

S = TypeVar("S")


def after(kind: Kind[S], *payloads: Payload) -> S:
    """The state after these events."""
    state = kind.state()
    for payload in payloads:
        state = kind.apply(state, payload)
    return state


def types_of(payloads: Iterable[Payload]) -> list[str]:
    return [type(payload).__name__ for payload in payloads]


STARTED = calls.CallStarted(customer="1", direction="inbound", line="line-1")
OPENED = assistants.AiSessionOpened(call="1", model="listener")


def test_a_call_is_started_once() -> None:
    assert calls.start(calls.Call(), customer="1", direction="inbound", line="line-1") == [STARTED]
    assert calls.start(after(calls.KIND, STARTED), customer="1", direction="inbound", line="line-1") == []


def test_only_a_call_that_somebody_answered_can_be_held_transferred_or_ended() -> None:
    ringing = after(calls.KIND, STARTED)
    with pytest.raises(Rejected, match="ringing"):
        calls.hold(ringing)
    with pytest.raises(Rejected, match="ringing"):
        calls.end(ringing, talk_seconds=3)
    active = after(calls.KIND, STARTED, calls.CallAnswered(agent="2"))
    assert calls.hold(active) == [calls.CallHeld(holds=1)]
    assert calls.transfer(active, agent="2") == []
    assert calls.transfer(active, agent="3") == [calls.CallTransferred(agent="3", transfers=1)]
    assert calls.end(active, talk_seconds=3) == [calls.CallEnded(talk_seconds=3)]


def test_an_ended_call_is_rated_once_from_one_to_five() -> None:
    ended = after(calls.KIND, STARTED, calls.CallAnswered(agent="2"), calls.CallEnded(talk_seconds=3))
    with pytest.raises(Rejected):
        calls.rate(ended, rating=6)
    [rated] = calls.rate(ended, rating=5)
    assert calls.rate(calls.KIND.apply(ended, rated), rating=1) == []


@pytest.mark.parametrize(("confidence", "asks"), [(0.59, True), (0.6, False)])
def test_an_assistant_that_is_not_sure_asks_for_a_person_in_the_same_append(confidence: float, asks: bool) -> None:
    decided = assistants.detect_intent(after(assistants.KIND, OPENED), intent="order", confidence=confidence)
    assert types_of(decided) == ["AiIntentDetected", *(["AiHandoverRequested"] if asks else [])]


def test_an_assistant_asks_for_a_person_once_and_then_does_not_speak() -> None:
    handed_over = after(assistants.KIND, OPENED, assistants.AiHandoverRequested(why="asked for"))
    assert types_of(assistants.measure_sentiment(handed_over, sentiment=-0.9)) == ["AiSentimentMeasured"]
    with pytest.raises(Rejected):
        assistants.reply(handed_over, text="hello")


def test_a_customer_who_has_left_changes_nothing_any_more() -> None:
    registered = customers.CustomerRegistered(name="A customer", phone="+00-1")
    left = after(customers.KIND, registered, customers.CustomerClosed())
    with pytest.raises(Rejected, match="has left"):
        customers.change_contact(left, phone="+00-2")
    with pytest.raises(Rejected, match="nobody knows"):
        customers.verify(customers.Customer(), method="code")


def test_a_withdrawn_consent_is_gone_from_the_state() -> None:
    registered = customers.CustomerRegistered(name="A customer", phone="+00-1")
    given = after(customers.KIND, registered, customers.CustomerConsentGiven(consents={"recording": 1}))
    [withdrawn] = customers.withdraw_consent(given, purpose="recording")
    assert customers.KIND.apply(given, withdrawn).consents == {}


def test_an_agent_with_a_call_does_not_go_home() -> None:
    busy = after(agents.KIND, agents.AgentHired(name="An agent"), agents.AgentCallAssigned(calls={"1": "owner"}))
    with pytest.raises(Rejected, match="with a call"):
        agents.sign_out(busy)
    [completed] = agents.complete(busy, call="1", talk_seconds=40)
    done = agents.KIND.apply(busy, completed)
    assert (done.calls, done.completed, done.talk_seconds) == ({}, 1, 40)


def test_a_payment_is_captured_after_the_bank_agreed_and_only_once() -> None:
    requested = payments.PaymentRequested(customer="1", amount_cents=1990, credits=200)
    with pytest.raises(Rejected):
        payments.capture(after(payments.KIND, requested))
    authorised = after(payments.KIND, requested, payments.PaymentAuthorised(authorisation="bank-1"))
    [captured] = payments.capture(authorised)
    with pytest.raises(Rejected):
        payments.capture(payments.KIND.apply(authorised, captured))


def account(*movements: Payload) -> ledger.CreditAccount:
    return after(ledger.KIND, ledger.CreditAccountOpened(customer="1"), *movements)


def test_a_call_is_paid_out_of_what_was_set_aside_for_it_and_the_rest_comes_back() -> None:
    full = account(ledger.CreditsPurchased(payment="1", amount=50, balance=50))
    [reserved] = ledger.reserve(full, call="7")
    waiting = ledger.apply(full, reserved)
    assert (waiting.balance, waiting.reserved) == (20, {"7": 30})
    [consumed] = ledger.consume(waiting, call="7", talk_seconds=41)
    paid = ledger.apply(waiting, consumed)
    assert (paid.balance, paid.reserved) == (45, {})
    assert ledger.consume(paid, call="7", talk_seconds=41) == []
    assert ledger.release(paid, call="7") == []


def test_a_call_costs_at_most_what_was_set_aside() -> None:
    full = account(ledger.CreditsPurchased(payment="1", amount=50, balance=50))
    waiting = ledger.apply(full, ledger.reserve(full, call="7")[0])
    assert ledger.consume(waiting, call="7", talk_seconds=10_000)[0].document()["amount"] == 30


def test_a_call_without_enough_credits_is_refused() -> None:
    few = account(ledger.CreditsPurchased(payment="1", amount=10, balance=10))
    assert ledger.reserve(few, call="7") == [ledger.CreditsRefused(call="7", missing=20)]


def test_no_more_is_withdrawn_than_there_is() -> None:
    few = account(ledger.CreditsPurchased(payment="1", amount=10, balance=10))
    assert ledger.withdraw(few, payment="1", amount=200) == [ledger.CreditsWithdrawn(payment="1", amount=10, balance=0)]


def test_a_ledger_that_does_not_add_up_is_refused() -> None:
    with pytest.raises(ledger.LedgerBroken, match="60 is said, 50 it is"):
        account(ledger.CreditsPurchased(payment="1", amount=50, balance=60))


def test_a_principal_is_locked_after_three_failures_in_a_row_and_not_twice() -> None:
    state = security.Principal()
    for failures in (1, 2):
        [failed] = security.sign_in(state, address="192.0.2.1", is_right=False)
        state = security.KIND.apply(state, failed)
        assert (state.failures, security.lock(state)) == (failures, [])
    state = security.KIND.apply(state, security.sign_in(state, address="192.0.2.1", is_right=False)[0])
    [locked] = security.lock(state)
    state = security.KIND.apply(state, locked)
    assert security.lock(state) == []
    with pytest.raises(Rejected, match="locked"):
        security.sign_in(state, address="192.0.2.1", is_right=True)
    [unlocked] = security.unlock(state, by="supervisor")
    assert security.lock(security.KIND.apply(state, unlocked)) == []


def test_only_who_has_signed_in_sees_sensitive_data() -> None:
    with pytest.raises(Rejected):
        security.view(security.Principal(), subject="customer-1")
    inside = after(security.KIND, security.SignInSucceeded(address="192.0.2.1"))
    seen: list[Any] = security.view(inside, subject="customer-1")
    assert seen == [security.SensitiveDataViewed(subject="customer-1", views=1)]
