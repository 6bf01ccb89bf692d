"""The folds of the platform against the plain ones of the scenario, over a simulated workload."""

from __future__ import annotations

import asyncio
import json

import pytest

from scenario import expected
from voice_platform.domain.contracts import Document, contracts
from voice_platform.domain.kinds import KINDS
from voice_platform.projections import PROJECTIONS
from voice_platform.sequences import check_order
from voice_platform.workload import Workload

from .simulation import simulated

SEEDS = (1, 2, 3)


class DocumentsInMemory:
    """Documents as a read model would keep them."""

    def __init__(self) -> None:
        self.documents: dict[tuple[str, str], str] = {}

    async def get(self, type: str, id: str) -> Document | None:  # noqa: A002
        document = self.documents.get((type, id))
        return None if document is None else dict(json.loads(document))

    def upsert(self, type: str, id: str, data: object) -> None:  # noqa: A002
        self.documents[type, id] = json.dumps(data)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_typed_state_is_the_merge_of_all_payloads(seed: int) -> None:
    simulation = simulated(seed, 1500)
    for stream, wanted in expected.states(simulation.log).items():
        kind = KINDS[stream.partition("-")[0]]
        state = simulation.states[stream]
        assert kind.dump(state) == wanted, stream
        assert kind.restore(json.loads(json.dumps(kind.dump(state)))) == state


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("model", PROJECTIONS)
def test_a_projection_makes_what_a_plain_fold_makes(seed: int, model: str) -> None:
    simulation = simulated(seed, 1500)
    documents = DocumentsInMemory()
    projection = PROJECTIONS[model]

    async def project() -> None:
        for event in simulation.log:
            if event.type in projection.types:
                await projection.deal_with(event, documents)

    asyncio.run(project())
    assert {key: json.loads(it) for key, it in documents.documents.items()} == expected.expected(model, simulation.log)


def test_the_workload_brings_every_type_of_event() -> None:
    assert {event.type for event in simulated(1, 1500).log} == contracts().keys()


def test_the_same_seed_makes_the_same_commands_and_another_seed_others() -> None:
    def commands(seed: int) -> list[tuple[object, ...]]:
        workload = Workload("north", seed, 1000)
        scripts = [*workload.opening(), *workload.scripts()]
        return [
            (it.id, it.aggregate_id, it.occurred_at, getattr(it.decide, "keywords", None))
            for script in scripts
            for it in script
        ]

    assert commands(5) == commands(5)
    assert commands(5) != commands(6)


def test_what_reactors_should_do_once_is_found_missing_and_found_twice() -> None:
    log = simulated(1, 600).log
    assert expected.effects_amiss(log) == []
    bought = next(event for event in log if event.type == "CreditsPurchased")
    assert "led to 2 movements" in expected.effects_amiss([*log, bought])[0]
    assert "led to 0 movements" in expected.effects_amiss([event for event in log if event is not bought])[0]


def test_a_gap_and_a_repetition_in_a_sequence_are_found() -> None:
    log = simulated(1, 600).log
    stream = next(event.stream for event in log if event.revision == 3)
    of_stream = [event for event in log if event.stream == stream]
    report, last = check_order(log)
    assert report.is_without_gaps
    assert (report.events, report.aggregates) == (len(log), len(last))
    assert check_order([*of_stream[:2], *of_stream[3:]])[0].faults == [f"{stream}: 3 is due, 4 was found"]
    assert check_order([*of_stream[:2], of_stream[1]])[0].faults == [f"{stream}: 3 is due, 2 was found"]
