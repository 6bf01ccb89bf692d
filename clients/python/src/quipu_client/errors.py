"""What can go wrong, as one error with values to act on.

Owns `QuipuError` and the typed details of the server's reasons. How a gRPC status becomes an error is in
`status.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import grpc

from .expected import Expected

CONFLICTS = frozenset({"WRONG_EXPECTED_REVISION", "GUARD_NOT_MET", "WRONG_CHECKPOINT", "WRONG_READ_MODEL_POSITION"})
"""The reasons that say that somebody else was faster."""


@dataclass(frozen=True)
class WrongExpectedRevision:
    """The stream is not as expected. Read it and decide again."""

    stream: str
    expected: Expected
    actual: int | None
    """The revision of the stream's last event; none when it never had one."""
    head: int
    """The head that the request was judged against."""


@dataclass(frozen=True)
class MatchingEvent:
    """An event that matches where none was to: the newest."""

    position: int
    type: str


@dataclass(frozen=True)
class WrongCheckpoint:
    """The checkpoint is not where it was expected, or would not move forwards."""

    name: str
    expected: int | None
    """Where it was expected, or was to move; none when it was expected not to be there."""
    actual: int | None
    """Where it is; none when there is none of this name."""


@dataclass(frozen=True)
class GuardNotMet:
    """A guard does not hold. Read and decide again."""

    index: int
    """Its place among the guards, from 0."""
    actual: WrongExpectedRevision | MatchingEvent | WrongCheckpoint | None
    """What is so instead; none when no event matches where one was to."""
    head: int
    """The head that the guard was judged against: a place to count from next time."""


@dataclass(frozen=True)
class EventIdConflict:
    """An event id of the request is taken by another event."""

    id: str
    stream: str
    position: int


@dataclass(frozen=True)
class BeyondEnd:
    """The place asked for lies beyond the end: the wrong store, or an older copy."""

    asked: int
    last: int | None
    """The head of the log or the stream's last revision; none when there is nothing."""


@dataclass(frozen=True)
class LimitExceeded:
    """A limit of the server is exceeded."""

    limit: str
    """The limit's name in `ServerInfo.limits`."""
    maximum: int
    actual: int


@dataclass(frozen=True)
class WrongReadModelPosition:
    """A generation of a read model is not where it was expected."""

    model: str
    generation: int
    expected: int
    actual: int


@dataclass(frozen=True)
class NotFoldable:
    """A state cannot be folded, since an event or a snapshot is not JSON."""

    stream: str
    revision: int
    is_snapshot: bool


Detail: TypeAlias = (
    WrongExpectedRevision
    | GuardNotMet
    | WrongCheckpoint
    | EventIdConflict
    | BeyondEnd
    | LimitExceeded
    | WrongReadModelPosition
    | NotFoldable
)


class QuipuError(Exception):
    """Why a call failed."""

    def __init__(
        self, code: grpc.StatusCode, message: str, *, reason: str | None = None, detail: Detail | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        """The gRPC status code."""
        self.message = message
        """What went wrong, in words."""
        self.reason = reason
        """The server's reason, such as `WRONG_EXPECTED_REVISION`; none when the fault is of the transport."""
        self.detail = detail
        """The values of the reason, if it has some."""

    @property
    def is_conflict(self) -> bool:
        """Whether somebody else was faster: read again, decide again."""
        return self.reason in CONFLICTS

    @property
    def is_retryable(self) -> bool:
        """Whether the same call can succeed later because the server was merely away."""
        return self.code is grpc.StatusCode.UNAVAILABLE

    def __str__(self) -> str:
        return f"{self.reason or self.code.name}: {self.message}"

    @classmethod
    def unavailable(cls, message: str) -> QuipuError:
        """The transport's word that the server is away."""
        return cls(grpc.StatusCode.UNAVAILABLE, message)
