"""The guard of optimistic concurrency.

Owns `Expected` and its way to and from the wire. The server checks it; nothing is checked here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from . import proto

_Kind = Literal["any", "no_stream", "stream_exists", "revision"]


@dataclass(frozen=True)
class Expected:
    """What a stream must look like for an append to go in. Made by its class methods."""

    kind: _Kind
    at: int | None = None

    @classmethod
    def any(cls) -> Expected:
        """No condition."""
        return cls("any")

    @classmethod
    def no_stream(cls) -> Expected:
        """The stream has no event yet."""
        return cls("no_stream")

    @classmethod
    def stream_exists(cls) -> Expected:
        """The stream has at least one event."""
        return cls("stream_exists")

    @classmethod
    def revision(cls, revision: int) -> Expected:
        """The revision of the stream's last event, exactly."""
        return cls("revision", revision)

    def to_wire(self) -> proto.ExpectedRevision:
        """As it is sent."""
        match self.kind:
            case "any":
                return proto.ExpectedRevision(any=proto.ExpectedRevision.Any())
            case "no_stream":
                return proto.ExpectedRevision(no_stream=proto.ExpectedRevision.NoStream())
            case "stream_exists":
                return proto.ExpectedRevision(stream_exists=proto.ExpectedRevision.StreamExists())
            case "revision":
                return proto.ExpectedRevision(revision=self.at)

    @classmethod
    def from_wire(cls, wire: proto.ExpectedRevision) -> Expected:
        """Out of what was received; unset is `any`."""
        match wire.WhichOneof("kind"):
            case "revision":
                return cls.revision(wire.revision)
            case "no_stream":
                return cls.no_stream()
            case "stream_exists":
                return cls.stream_exists()
            case _:
                return cls.any()
