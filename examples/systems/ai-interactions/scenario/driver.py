"""The process that issues the workload: `python -m scenario.driver`.

It says on standard output how many commands are done. A server that goes away is waited for; one that comes back
recognises what it had done already. A driver that is started again changes nothing of what is there.
"""

from __future__ import annotations

import argparse
import asyncio

from ai_interactions.conversations import Conversations
from ai_interactions.process import patient_client, say

from .workload import Plan, workload

SAY_EVERY = 5


async def drive(conversations: Conversations, plans: list[Plan], side_by_side: int) -> None:
    """Have all plans done, so many of them side by side."""
    done = retold = 0
    left = iter(plans)

    async def work() -> None:
        nonlocal done, retold
        for plan in left:
            for commands in plan.rounds:
                for executed in await asyncio.gather(*(conversations.handle(command) for command in commands)):
                    done += 1
                    retold += executed.tries - 1
                    if done % SAY_EVERY == 0:
                        say("progress", commands=done)

    await asyncio.gather(*(work() for _ in range(side_by_side)))
    await conversations.settle()
    say("done", commands=done, decided_anew=retold)


async def main() -> None:
    """Issue a workload."""
    parser = argparse.ArgumentParser(prog="scenario.driver")
    parser.add_argument("--address", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--side-by-side", type=int, default=6)
    args = parser.parse_args()
    plans = workload(args.seed, args.events)
    async with patient_client(args.address) as client:
        say("running", commands=sum(len(plan.commands) for plan in plans))
        await drive(Conversations(client), plans, args.side_by_side)


if __name__ == "__main__":
    asyncio.run(main())
