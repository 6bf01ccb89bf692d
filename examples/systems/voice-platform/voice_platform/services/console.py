"""The operator's window: `console metrics | statistics | types | check`.

Of an aggregate, such as `call-7`, and the conversation of that name: `console state call-7`, `snapshot call-7`,
`events call-7 1 10`, `conversation call-7`. Answers are JSON, a document for each tenant that is asked for.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from dataclasses import asdict
from typing import Any

from ..conversations import read_conversation
from ..domain.contracts import Payload
from ..domain.kinds import KINDS
from ..envelope import Fact
from ..metrics import measure
from ..sequences import check_sequences, read_sequence
from ..states import server_state, take_snapshot
from ..statistics import activity_of, list_event_types, statistics_of
from ..tenancy import Tenant
from .process import arguments, log_warnings, with_tenants


async def answer(tenant: Tenant, given: argparse.Namespace) -> Any:
    """What the operator wants to know of a tenant."""
    match given.question:
        case "metrics":
            return asdict(await measure(tenant))
        case "types":
            return await list_event_types(tenant)
        case "check":
            return asdict(await check_sequences(tenant))
        case "statistics":
            activity = {f"{day} {kind}": count for (day, kind), count in (await activity_of(tenant)).items()}
            counts = await statistics_of(tenant)
            by_date = {day.isoformat(): count for day, count in counts.by_date.items()}
            return {**asdict(counts), "by_date": by_date, "by_date_and_aggregate_type": activity}
        case "conversation":
            return [_shown(fact) for fact in await read_conversation(tenant, given.aggregate)]
    category, _, aggregate_id = given.aggregate.partition("-")
    kind = KINDS[category]
    match given.question:
        case "events":
            facts = read_sequence(tenant, kind, aggregate_id, given.first, given.last)
            return [_shown(fact) async for fact in facts]
        case "snapshot":
            return {"sequence": await take_snapshot(tenant, kind, aggregate_id)}
    return asdict(await server_state(tenant, kind, aggregate_id))


def _shown(fact: Fact[Payload]) -> dict[str, Any]:
    event = fact.event
    return {
        "aggregate": event.stream,
        "sequence": fact.sequence,
        "type": event.type,
        "version": event.schema_version,
        "data": fact.payload.document(),
        "metadata": dict(event.metadata),
        "correlation_id": event.correlation_id,
        "causation_id": event.causation_id,
        "occurred_at": fact.happened_at.isoformat(),
    }


def main() -> None:
    """Read the question and print the answers."""
    parser = arguments(__doc__ or "")
    questions = parser.add_subparsers(dest="question", required=True)
    for question in ("metrics", "statistics", "types", "check"):
        questions.add_parser(question)
    for question in ("state", "snapshot", "events", "conversation"):
        questions.add_parser(question).add_argument("aggregate")
    questions.choices["events"].add_argument("first", type=int)
    questions.choices["events"].add_argument("last", type=int)
    given = parser.parse_args()
    log_warnings()

    async def ask(tenant: Tenant) -> None:
        print(json.dumps({"tenant": tenant.name, given.question: await answer(tenant, given)}, indent=2))

    asyncio.run(with_tenants(given.address, given.tenants, ask, is_ready=False))


if __name__ == "__main__":
    main()
