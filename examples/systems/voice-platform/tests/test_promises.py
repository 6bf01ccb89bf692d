"""What the platform promises, each shown against a server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from quipu_client import QuipuError

from scenario.waiting import until
from voice_platform.conversations import read_conversation, read_effects
from voice_platform.domain import agents, calls, customers, ledger, payments, security
from voice_platform.domain.folding import Kind
from voice_platform.envelope import Context, Fact, fact_of
from voice_platform.metrics import measure, read_model_lag, read_model_position
from voice_platform.outbox import Outbox
from voice_platform.projections import ACCOUNTS, ACTIVITY, CALLS
from voice_platform.projections.documents import list_documents, projector_of
from voice_platform.reactions import ALERTING, BILLING
from voice_platform.reactions.surroundings import Surroundings
from voice_platform.sequences import check_sequences, read_sequence
from voice_platform.states import server_state, take_snapshot, typed_state
from voice_platform.statistics import activity_of, list_event_types, statistics_of
from voice_platform.tenancy import SNAPSHOT_EVERY, Tenant

from .conftest import Tenants

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)


def story(told: Coroutine[Any, Any, None]) -> None:
    """Run a test that waits."""
    asyncio.run(told)


@asynccontextmanager
async def taken_in(tenants: Tenants) -> AsyncIterator[Tenant]:
    async with tenants.new() as tenant:
        await tenant.prepare()
        yield tenant


async def do(tenant: Tenant, kind: Kind[Any], name: str, decide: Any, /, *, at: datetime = AT, **details: Any) -> None:
    """Carry out a command of a conversation that is called after the aggregate."""
    stream = kind.stream(name)
    context = Context(tenant.name, "tester", stream, f"{decide.__name__} {stream}", at)
    await tenant.execute(kind, name, partial(decide, **details), context)


async def answered_call(tenant: Tenant, name: str, customer: str = "1", *, holds: int = 0) -> None:
    start = partial(do, tenant, calls.KIND, name)
    await start(calls.start, customer=customer, direction="inbound", line="line-1")
    await start(calls.answer, agent="1")
    for _ in range(holds):
        await start(calls.hold)
        await start(calls.resume)


async def customer_with_credits(tenant: Tenant, name: str, amount: int) -> None:
    await do(tenant, customers.KIND, name, customers.register, name="A customer", phone="+00-1")
    await do(tenant, ledger.KIND, name, ledger.open_account, customer=name)
    await do(tenant, ledger.KIND, name, ledger.purchase, payment="1", amount=amount)


async def events_of(tenant: Tenant, kind: Kind[Any], name: str) -> list[Fact[Any]]:
    return [fact async for fact in read_sequence(tenant, kind, name)]


def test_tenants_have_the_same_names_and_nothing_in_common(tenants: Tenants) -> None:
    async def told() -> None:
        async with taken_in(tenants) as north, taken_in(tenants) as south:
            await answered_call(north, "1", holds=1)
            await answered_call(south, "1")
            assert [it.sequence for it in await events_of(north, calls.KIND, "1")] == [1, 2, 3, 4]
            assert [it.sequence for it in await events_of(south, calls.KIND, "1")] == [1, 2]
            [theirs] = await south.client.read_all(limit=1).collect()
            with pytest.raises(QuipuError, match="EVENT_NOT_FOUND"):
                await north.client.get_event(id=theirs.id)
            await projector_of(CALLS, north).rebuild()
            assert len(await list_documents(north, "calls", "call", limit=10)) == 1
            assert await read_model_position(south, "calls") == 0
            with pytest.raises(QuipuError, match="READ_MODEL_NOT_FOUND"):
                await list_documents(south, "calls", "call", limit=10)

    story(told())


def test_the_sequence_of_an_aggregate_has_no_gaps_although_many_write_at_once(tenants: Tenants) -> None:
    async def told() -> None:
        async with taken_in(tenants) as tenant:
            await do(tenant, agents.KIND, "1", agents.hire, name="An agent")
            assign = partial(do, tenant, agents.KIND, "1", agents.assign, role="owner")
            await asyncio.gather(*(assign(call=f"{number}") for number in range(20)))
            report = await check_sequences(tenant)
            assert (report.is_without_gaps, report.aggregates, report.events) == (True, 1, 21)
            assert (await check_sequences(tenant, "agent")).events == 21
            assert (await check_sequences(tenant, "call")).events == 0

    story(told())


def test_events_are_read_from_one_sequence_to_another(tenants: Tenants) -> None:
    async def told() -> None:
        async with taken_in(tenants) as tenant:
            await answered_call(tenant, "1", holds=3)
            part = [fact async for fact in read_sequence(tenant, calls.KIND, "1", 3, 5)]
            assert [(it.sequence, it.event.type) for it in part] == [
                (3, "CallHeld"),
                (4, "CallResumed"),
                (5, "CallHeld"),
            ]
            rest = [fact.sequence async for fact in read_sequence(tenant, calls.KIND, "1", 7)]
            assert rest == [7, 8]
            assert [fact async for fact in read_sequence(tenant, calls.KIND, "1", 5, 4)] == []

    story(told())


def test_the_state_is_the_same_by_the_server_and_typed_with_and_without_snapshots(tenants: Tenants) -> None:
    async def told() -> None:
        async with taken_in(tenants) as tenant:
            await answered_call(tenant, "1", holds=2)
            await customer_with_credits(tenant, "1", 90)
            await do(tenant, ledger.KIND, "1", ledger.reserve, call="7")
            kinds: list[Kind[Any]] = [calls.KIND, ledger.KIND]
            for kind in kinds:
                before = await typed_state(tenant, kind, "1")
                sequence = await take_snapshot(tenant, kind, "1")
                assert before is not None
                assert before.sequence == sequence
            await do(tenant, calls.KIND, "1", calls.hold)
            await do(tenant, ledger.KIND, "1", ledger.consume, call="7", talk_seconds=50)
            call = await server_state(tenant, calls.KIND, "1")
            assert (call.sequence, call.snapshot_sequence, call.state["holds"]) == (7, 6, 3)
            without = await server_state(tenant, calls.KIND, "1", without_snapshot=True)
            assert (without.snapshot_sequence, without.state) == (None, call.state)
            account = await typed_state(tenant, ledger.KIND, "1")
            assert account is not None
            assert (account.sequence, account.snapshot_sequence, account.state.balance) == (4, 3, 85)
            same = await typed_state(tenant, ledger.KIND, "1", without_snapshot=True)
            assert same is not None
            assert (same.snapshot_sequence, same.state) == (None, account.state)
            by_server = await server_state(tenant, ledger.KIND, "1")
            assert (by_server.snapshot_sequence, by_server.state) == (3, ledger.KIND.dump(account.state))
            earlier = await server_state(tenant, ledger.KIND, "1", at_sequence=2)
            assert earlier.state["balance"] == 90

    story(told())


def test_the_server_saves_a_snapshot_of_an_aggregate_after_every_ten_events(tenants: Tenants) -> None:
    async def told() -> None:
        async with taken_in(tenants) as tenant:
            await answered_call(tenant, "1", holds=10)

            async def are_there() -> bool:
                kept = await tenant.client.snapshots.list("call-1")
                return [it.revision + 1 for it in kept] == [2 * SNAPSHOT_EVERY, SNAPSHOT_EVERY]

            await until("two snapshots", are_there, 10)
            state = await server_state(tenant, calls.KIND, "1")
            assert (state.snapshot_sequence, state.sequence, state.state["holds"]) == (20, 22, 10)

    story(told())


def test_an_account_saves_its_own_snapshot_after_every_ten_events(tenants: Tenants) -> None:
    async def told() -> None:
        async with taken_in(tenants) as tenant:
            await customer_with_credits(tenant, "1", 500)
            for number in range(SNAPSHOT_EVERY):
                await do(tenant, ledger.KIND, "1", ledger.reserve, call=f"{number}")
            await tenant.aggregates(ledger.KIND).settle()
            account = await typed_state(tenant, ledger.KIND, "1")
            assert account is not None
            assert (account.sequence, account.state.balance) == (12, 200)
            assert account.snapshot_sequence is not None
            assert account.snapshot_sequence >= SNAPSHOT_EVERY

    story(told())


def test_a_document_says_which_event_was_applied_last_and_the_read_model_where_it_is(tenants: Tenants) -> None:
    async def told() -> None:
        async with taken_in(tenants) as tenant:
            await answered_call(tenant, "1", holds=1)
            assert (await read_model_lag(tenant, "calls")).events == 4
            await projector_of(CALLS, tenant).rebuild()
            document = await tenant.client.read_models.get("calls", "call", "1")
            assert document is not None
            last = (await events_of(tenant, calls.KIND, "1"))[-1].event
            assert document.json()["last_event"] == {
                "id": last.id,
                "type": "CallResumed",
                "aggregate": "call-1",
                "sequence": 4,
            }
            assert document.position == await read_model_position(tenant, "calls") == last.position
            assert (await read_model_lag(tenant, "calls")).events == 0

    story(told())


def test_documents_are_listed_by_type_with_limit_and_offset(tenants: Tenants) -> None:
    async def told() -> None:
        async with taken_in(tenants) as tenant:
            for number in range(7):
                await answered_call(tenant, f"{number}")
            await do(tenant, agents.KIND, "1", agents.hire, name="An agent")
            await projector_of(CALLS, tenant).rebuild()
            first = await list_documents(tenant, "calls", "call", limit=3)
            second = await list_documents(tenant, "calls", "call", limit=3, offset=3)
            third = await list_documents(tenant, "calls", "call", limit=3, offset=6)
            assert [[it.id for it in page] for page in (first, second, third)] == [
                ["0", "1", "2"],
                ["3", "4", "5"],
                ["6"],
            ]
            assert [it.id for it in await list_documents(tenant, "calls", "agent", limit=3)] == ["1"]

    story(told())


def test_a_rebuild_shows_a_new_generation_when_it_is_whole(tenants: Tenants) -> None:
    async def told() -> None:
        async with taken_in(tenants) as tenant:
            await customer_with_credits(tenant, "1", 50)
            assert await projector_of(ACCOUNTS, tenant).rebuild() == 1
            before = [(it.id, it.data) for it in await list_documents(tenant, "accounts", "customer", limit=9)]
            assert await projector_of(ACCOUNTS, tenant).rebuild() == 2
            after = [(it.id, it.data) for it in await list_documents(tenant, "accounts", "customer", limit=9)]
            assert before == after
            assert [it.generation for it in await tenant.client.read_models.describe("accounts")] == [2]

    story(told())


def test_types_are_listed_and_counted_by_type_of_aggregate_and_date(tenants: Tenants) -> None:
    async def told() -> None:
        async with taken_in(tenants) as tenant:
            await answered_call(tenant, "1")
            await do(tenant, calls.KIND, "1", calls.end, at=AT + timedelta(days=1), talk_seconds=5)
            await do(tenant, agents.KIND, "1", agents.hire, name="An agent")
            assert await list_event_types(tenant) == ["AgentHired", "CallAnswered", "CallEnded", "CallStarted"]
            counts = await statistics_of(tenant)
            assert (counts.events, counts.by_aggregate_type) == (4, {"call": 3, "agent": 1})
            assert sum(counts.by_date.values()) == 4
            await projector_of(ACTIVITY, tenant).rebuild()
            assert await activity_of(tenant) == {
                (date(2026, 1, 5), "agent"): 1,
                (date(2026, 1, 5), "call"): 2,
                (date(2026, 1, 6), "call"): 1,
            }

    story(told())


def test_metrics_tell_rate_latency_snapshots_lag_and_distribution(tenants: Tenants) -> None:
    async def told() -> None:
        async with taken_in(tenants) as tenant:
            await answered_call(tenant, "1", holds=4)
            for _ in range(2):
                await take_snapshot(tenant, calls.KIND, "1")
                await do(tenant, calls.KIND, "1", calls.hold)
                await do(tenant, calls.KIND, "1", calls.resume)
            await projector_of(CALLS, tenant).rebuild()
            metrics = await measure(tenant)
            assert metrics.append_rate > 0
            assert metrics.replay_latency.aggregates == 1
            assert metrics.replay_latency.with_snapshot > 0
            assert metrics.replay_latency.without_snapshot > 0
            assert metrics.snapshot_frequency.snapshots >= 2
            assert metrics.snapshot_frequency.events_between is not None
            lags = {model: lag.events for model, lag in metrics.read_model_lag.items()}
            assert lags == {"calls": 0, "accounts": 1, "activity": 14}
            assert sum(metrics.type_distribution.values()) == pytest.approx(1)
            assert metrics.type_distribution["CallHeld"] == pytest.approx(6 / 14)

    story(told())


def surroundings(tenant: Tenant, home: Path) -> Surroundings:
    return Surroundings(tenant, Outbox(home / tenant.name))


def test_correlation_finds_a_conversation_and_causation_what_led_to_what(tenants: Tenants, outbox_home: Path) -> None:
    async def told() -> None:
        async with taken_in(tenants) as tenant:
            await customer_with_credits(tenant, "1", 100)
            await answered_call(tenant, "7")
            started = (await events_of(tenant, calls.KIND, "7"))[0].event
            await BILLING.deal_with(started, surroundings(tenant, outbox_home))
            conversation = await read_conversation(tenant, "call-7")
            assert [it.event.type for it in conversation] == ["CallStarted", "CallAnswered", "CreditsReserved"]
            [reserved] = await read_effects(tenant, started.id)
            assert (reserved.aggregate_type, reserved.aggregate_id) == ("credit", "1")
            assert reserved.event.causation_id == started.id
            assert [it.event.id for it in await read_effects(tenant, "start call-7")] == [started.id]

    story(told())


def test_a_reaction_to_an_event_that_is_delivered_again_or_twice_at_once_is_one(
    tenants: Tenants, outbox_home: Path
) -> None:
    async def told() -> None:
        async with taken_in(tenants) as tenant:
            await customer_with_credits(tenant, "1", 100)
            await do(tenant, payments.KIND, "9", payments.request, customer="1", amount_cents=500, credits=40)
            await do(tenant, payments.KIND, "9", payments.authorise, authorisation="bank-9")
            await do(tenant, payments.KIND, "9", payments.capture)
            captured = (await events_of(tenant, payments.KIND, "9"))[-1].event
            around = surroundings(tenant, outbox_home)
            await asyncio.gather(*(BILLING.deal_with(captured, around) for _ in range(5)))
            await BILLING.deal_with(captured, around)
            account = await typed_state(tenant, ledger.KIND, "1")
            assert account is not None
            assert account.state.balance == 140

    story(told())


def test_supervisors_are_told_once_of_each_event_that_needs_them(tenants: Tenants, outbox_home: Path) -> None:
    async def told() -> None:
        async with taken_in(tenants) as tenant:
            for _ in range(3):
                await do(tenant, security.KIND, "eve", security.sign_in, address="192.0.2.1", is_right=False)
            await do(tenant, security.KIND, "eve", security.lock)
            locked = (await events_of(tenant, security.KIND, "eve"))[-1].event
            around = surroundings(tenant, outbox_home)
            for _ in range(3):
                await ALERTING.deal_with(locked, around)
            notices = around.outbox.notices()
            assert list(notices) == [locked.id]
            assert notices[locked.id]["aggregate"] == "security-eve"
            assert fact_of(locked).sequence == 4

    story(told())
