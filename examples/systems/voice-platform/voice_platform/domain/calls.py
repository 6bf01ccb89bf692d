"""Calls: how one begins, finds an agent and ends. An aggregate is one call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .contracts import Payload
from .folding import Kind, Rejected, patched

Status = Literal["ringing", "queued", "active", "held", "ended", "failed"]


class CallEvent(Payload, category="call"):
    """What happens to a call."""


class CallStarted(CallEvent):
    """A call came in, or was placed."""

    customer: str
    direction: Literal["inbound", "outbound"]
    line: str
    status: Literal["ringing"] = "ringing"
    holds: Literal[0] = 0
    transfers: Literal[0] = 0


class CallRouted(CallEvent):
    """The call waits for an agent of a queue."""

    queue: str
    status: Literal["queued"] = "queued"


class CallAnswered(CallEvent):
    """An agent took the call."""

    agent: str
    status: Literal["active"] = "active"


class CallHeld(CallEvent):
    """The customer was asked to wait."""

    holds: int
    status: Literal["held"] = "held"


class CallResumed(CallEvent):
    """The agent is back."""

    status: Literal["active"] = "active"


class CallTransferred(CallEvent):
    """Another agent took over."""

    agent: str
    transfers: int


class CallRecordingStarted(CallEvent):
    """From now on the call is recorded."""

    recording: str


class CallEnded(CallEvent):
    """The call was hung up after somebody had answered it."""

    talk_seconds: int
    status: Literal["ended"] = "ended"


class CallFailed(CallEvent):
    """The call ended before anybody answered it."""

    reason: Literal["abandoned", "busy", "network"]
    status: Literal["failed"] = "failed"


class CallRated(CallEvent):
    """The customer said what the call was worth."""

    rating: int


@dataclass(frozen=True)
class Call:
    """The state of a call."""

    customer: str | None = None
    direction: str | None = None
    line: str | None = None
    status: Status | None = None
    holds: int = 0
    transfers: int = 0
    queue: str | None = None
    agent: str | None = None
    recording: str | None = None
    talk_seconds: int | None = None
    reason: str | None = None
    rating: int | None = None

    @property
    def is_answered(self) -> bool:
        """Whether somebody speaks with the customer, or lets them wait."""
        return self.status in ("active", "held")


KIND = Kind("call", Call, patched)


def start(call: Call, *, customer: str, direction: Literal["inbound", "outbound"], line: str) -> list[Payload]:
    """Begin a call; again, it changes nothing."""
    return [] if call.status else [CallStarted(customer=customer, direction=direction, line=line)]


def route(call: Call, *, queue: str) -> list[Payload]:
    """Have a ringing call wait for an agent."""
    if call.status != "ringing":
        raise Rejected(f"a call that is {call.status} cannot be routed")
    return [CallRouted(queue=queue)]


def answer(call: Call, *, agent: str) -> list[Payload]:
    """Let an agent take a call that nobody has."""
    if call.status not in ("ringing", "queued"):
        raise Rejected(f"a call that is {call.status} cannot be answered")
    return [CallAnswered(agent=agent)]


def hold(call: Call) -> list[Payload]:
    """Let the customer wait."""
    if call.status != "active":
        raise Rejected(f"a call that is {call.status} cannot be held")
    return [CallHeld(holds=call.holds + 1)]


def resume(call: Call) -> list[Payload]:
    """Come back to the customer."""
    if call.status != "held":
        raise Rejected(f"a call that is {call.status} cannot be resumed")
    return [CallResumed()]


def transfer(call: Call, *, agent: str) -> list[Payload]:
    """Hand the call to another agent."""
    if not call.is_answered:
        raise Rejected(f"a call that is {call.status} cannot be transferred")
    return [] if agent == call.agent else [CallTransferred(agent=agent, transfers=call.transfers + 1)]


def record(call: Call, *, recording: str) -> list[Payload]:
    """Record the call from now on."""
    if not call.is_answered:
        raise Rejected(f"a call that is {call.status} cannot be recorded")
    return [] if call.recording else [CallRecordingStarted(recording=recording)]


def end(call: Call, *, talk_seconds: int) -> list[Payload]:
    """Hang up an answered call."""
    if not call.is_answered:
        raise Rejected(f"a call that is {call.status} cannot end")
    return [CallEnded(talk_seconds=talk_seconds)]


def fail(call: Call, *, reason: Literal["abandoned", "busy", "network"]) -> list[Payload]:
    """Give up a call that nobody has answered."""
    if call.status not in ("ringing", "queued"):
        raise Rejected(f"a call that is {call.status} cannot fail")
    return [CallFailed(reason=reason)]


def rate(call: Call, *, rating: int) -> list[Payload]:
    """Say what an ended call was worth, once."""
    if call.status != "ended" or not 1 <= rating <= 5:
        raise Rejected(f"a call that is {call.status} cannot be rated {rating}")
    return [] if call.rating else [CallRated(rating=rating)]
