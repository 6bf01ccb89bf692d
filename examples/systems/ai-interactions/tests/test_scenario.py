"""The scenario's own parts: it is the same for the same seed, and it can find what is wrong."""

from __future__ import annotations

from quipu_client import AsyncClient

from ai_interactions.conversation import stream_of
from ai_interactions.conversations import Conversations
from ai_interactions.review_policy import ReviewPolicy
from scenario.checks import differences, miscounts
from scenario.driver import drive
from scenario.expected import broken_pairs, expected_effects, facts_of
from scenario.kills import KILLS, plan_kills
from scenario.workload import Plan, is_unsure, planned_events, workload

from .samples import POLICY, STORY, TALK, play, start


def test_a_seed_makes_the_same_workload_and_the_same_kills() -> None:
    plans = workload(3, 300)
    assert plans == workload(3, 300)
    assert plans != workload(4, 300)
    assert planned_events(plans).total() >= 300
    assert len({command.id for plan in plans for command in plan.commands}) == sum(len(it.commands) for it in plans)
    targets = ["a", "b", "c"]
    kills = plan_kills(3, targets, 100)
    assert kills == plan_kills(3, targets, 100) != plan_kills(4, targets, 100)
    assert len(kills) == KILLS
    assert kills == sorted(kills, key=lambda kill: kill.commands)
    assert all(sum(kill.target == target for kill in kills) >= KILLS // len(targets) for target in targets)


def test_the_workload_and_the_system_agree_on_who_is_unsure() -> None:
    assert ReviewPolicy() == POLICY
    for plan in workload(5, 500):
        for command in plan.commands:
            if (kind := getattr(command, "kind", None)) is not None:
                confidence = command.confidence  # type: ignore[attr-defined]
                assert is_unsure(kind.value, confidence) == POLICY.wants_a_person(kind, confidence)


def test_differences_are_documents_that_are_missing_or_too_many_or_other_ones() -> None:
    right = {("m", "t", "1"): {"n": 1}, ("m", "t", "2"): {"n": 2}}
    assert differences(right, right) == []
    wrong = {("m", "t", "1"): {"n": 3}, ("m", "t", "3"): {"n": 2}}
    assert differences(wrong, right) == [
        "m/t/1: n is 3, and must be 1",
        "m/t/2: is None, and must be {'n': 2}",
        "m/t/3: is {'n': 2}, and must be None",
    ]


def test_a_decision_without_its_request_right_before_it_is_found() -> None:
    _, log = play(STORY)
    assert broken_pairs(log) == []
    request = next(event for event in log if event.type == "HumanInterventionRequested")
    assert len(broken_pairs([event for event in log if event is not request])) == 1
    assert stream_of(TALK) == request.stream


def test_events_that_are_lost_or_double_are_found() -> None:
    assert len(miscounts([], workload(3, 100))) == 7
    first = play(STORY)[1][0]
    begun = [Plan(TALK, ((start(),),))]
    assert miscounts([first], begun) == []
    assert miscounts([first, first], begun) == ["2 events ConversationStarted, and must be 1"]
    assert miscounts([], begun) == ["0 events ConversationStarted, and must be 1"]


def test_each_request_has_its_message_and_each_regulated_decision_its_review() -> None:
    kinds = sorted(kind for _, kind, _ in expected_effects(facts_of(play(STORY)[1])))
    assert kinds == ["message", "message", "notification", "notification", "review"]


async def test_a_driver_that_is_started_again_changes_nothing(client: AsyncClient) -> None:
    plans = workload(3, 60)
    await drive(Conversations(client), plans, 3)
    log = await client.read_all().collect()
    reactions = {"ReviewersNotified", "ComplianceReviewOpened"}
    assert len(log) == sum(count for name, count in planned_events(plans).items() if name not in reactions)
    await drive(Conversations(client), plans, 3)
    assert await client.read_all().collect() == log
    assert broken_pairs(log) == []
