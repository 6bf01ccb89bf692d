"""The command line: every process of the system, and questions to it."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from .consumers import projector_of, reactor_of
from .contracts import read
from .metrics import ProcessingMetrics
from .process import patient_client, run_until_told, say
from .projections import PROJECTIONS
from .reactors import compliance, reviewers
from .replay import as_known_at, story_of
from .reviewer_inbox import InboxDirectory
from .status import GROUPS, progress


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command."""
    args = _parser().parse_args(arguments)
    asyncio.run(args.run(args))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ai-interactions", description="An AI interaction framework on Quipu")
    parser.add_argument("--address", default="127.0.0.1:2113", help="where the server is")
    parser.add_argument("--tenant", help="whose log it is")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    project = commands.add_parser("project", help="keep a read model up to date")
    project.add_argument("model", choices=sorted(PROJECTIONS))
    project.add_argument("--metrics-port", type=int, default=0, help="0 takes a free one")
    project.set_defaults(run=_project)

    rebuild = commands.add_parser("rebuild", help="make a read model again from zero, then show it to readers")
    rebuild.add_argument("model", choices=sorted(PROJECTIONS))
    rebuild.set_defaults(run=_rebuild)

    react = commands.add_parser("react", help="have the effects of a consumer group")
    react.add_argument("group", choices=sorted(GROUPS))
    react.add_argument("--inbox", type=Path, default=Path("reviewer-inbox"), help="the reviewers' directory")
    react.add_argument("--metrics-port", type=int, default=0, help="0 takes a free one")
    react.set_defaults(run=_react)

    replay = commands.add_parser("replay", help="tell the story of a conversation, and what holds")
    replay.add_argument("conversation")
    replay.add_argument("--at", type=_time, help="as it was known at this time, such as 2026-03-01T12:00:00+00:00")
    replay.set_defaults(run=_replay)

    status = commands.add_parser("status", help="tell how far everybody is")
    status.set_defaults(run=_status)
    return parser


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise argparse.ArgumentTypeError("a time needs a zone")
    return time


async def _project(args: argparse.Namespace) -> None:
    metrics = ProcessingMetrics()
    async with patient_client(args.address, args.tenant) as client:
        projector = projector_of(client, PROJECTIONS[args.model], metrics)
        await run_until_told(projector, args.model, metrics.serve(args.metrics_port))


async def _rebuild(args: argparse.Namespace) -> None:
    async with patient_client(args.address, args.tenant) as client:
        generation = await projector_of(client, PROJECTIONS[args.model], ProcessingMetrics()).rebuild()
    say("rebuilt", model=args.model, generation=generation)


async def _react(args: argparse.Namespace) -> None:
    metrics = ProcessingMetrics()
    async with patient_client(args.address, args.tenant) as client:
        if args.group == compliance.GROUP:
            reaction = compliance.compliance_reviews(client)
        else:
            reaction = reviewers.reviewer_notifications(client, InboxDirectory(args.inbox))
        await run_until_told(reactor_of(client, reaction, metrics), args.group, metrics.serve(args.metrics_port))


async def _replay(args: argparse.Namespace) -> None:
    async with patient_client(args.address, args.tenant) as client:
        until: datetime = args.at or datetime.now(timezone.utc)
        for event in await story_of(client, args.conversation):
            if event.recorded_at <= until:
                say(event.type, position=event.position, payload=read(event).model_dump(mode="json"))
        state = await as_known_at(client, args.conversation, until)
        say("state", as_of=until.isoformat(), state=state.model_dump(mode="json"))


async def _status(args: argparse.Namespace) -> None:
    async with patient_client(args.address, args.tenant) as client:
        async for it in progress(client):
            say(
                "progress", name=it.name, position=it.position, behind=max(it.wanted - it.position, 0), parked=it.parked
            )
