"""Agents: what they can do and which call they have. An aggregate is one agent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .contracts import Payload
from .folding import Kind, Rejected, patched


class AgentEvent(Payload, category="agent"):
    """What happens to an agent."""


class AgentHired(AgentEvent):
    """Somebody answers calls from now on."""

    name: str
    is_signed_in: Literal[False] = False
    completed: Literal[0] = 0
    talk_seconds: Literal[0] = 0
    calls: dict[str, str] = field(default_factory=dict)
    skills: dict[str, int] = field(default_factory=dict)


class AgentSkillsChanged(AgentEvent):
    """Levels by skill; a null takes the skill away."""

    skills: dict[str, int | None]


class AgentSignedIn(AgentEvent):
    """The agent is at a desk."""

    desk: str
    is_signed_in: Literal[True] = True


class AgentSignedOut(AgentEvent):
    """The agent has gone home."""

    desk: None = None
    is_signed_in: Literal[False] = False


class AgentCallAssigned(AgentEvent):
    """The agent has a call: by its id, the role in it."""

    calls: dict[str, str]


class AgentCallCompleted(AgentEvent):
    """The agent is done with a call: a null for it, and the sums with it."""

    calls: dict[str, None]
    completed: int
    talk_seconds: int


@dataclass(frozen=True)
class Agent:
    """The state of an agent."""

    name: str | None = None
    is_signed_in: bool = False
    desk: str | None = None
    completed: int = 0
    talk_seconds: int = 0
    calls: dict[str, str] = field(default_factory=dict)
    skills: dict[str, int] = field(default_factory=dict)


KIND = Kind("agent", Agent, patched)


def hire(agent: Agent, *, name: str) -> list[Payload]:
    """Let somebody answer calls; again, it changes nothing."""
    return [] if agent.name else [AgentHired(name=name)]


def change_skills(agent: Agent, *, skills: dict[str, int | None]) -> list[Payload]:
    """Change levels of skills."""
    _require_hired(agent)
    return [AgentSkillsChanged(skills=skills)]


def sign_in(agent: Agent, *, desk: str) -> list[Payload]:
    """Sit down at a desk."""
    _require_hired(agent)
    return [] if agent.is_signed_in else [AgentSignedIn(desk=desk)]


def sign_out(agent: Agent) -> list[Payload]:
    """Go home, unless there is a call."""
    if agent.calls:
        raise Rejected("an agent with a call cannot sign out")
    return [AgentSignedOut()] if agent.is_signed_in else []


def assign(agent: Agent, *, call: str, role: Literal["owner", "second"]) -> list[Payload]:
    """Give an agent a call."""
    _require_hired(agent)
    return [] if call in agent.calls else [AgentCallAssigned(calls={call: role})]


def complete(agent: Agent, *, call: str, talk_seconds: int) -> list[Payload]:
    """Note that an agent is done with a call."""
    if call not in agent.calls:
        raise Rejected("the agent does not have this call")
    return [
        AgentCallCompleted(
            calls={call: None}, completed=agent.completed + 1, talk_seconds=agent.talk_seconds + talk_seconds
        )
    ]


def _require_hired(agent: Agent) -> None:
    if agent.name is None:
        raise Rejected("nobody has hired this agent")
