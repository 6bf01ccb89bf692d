"""From events to the state of an aggregate.

Owns `patched`, the fold that suits every aggregate since payloads are merge patches, and `Kind`, what there is to
know of one kind of aggregate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Generic, TypeVar

from quipu_client import RecordedEvent

from .contracts import Document, Payload, decode

S = TypeVar("S")


class Rejected(Exception):  # noqa: N818
    """A command that the state of its aggregate does not allow. Nothing is appended."""


@dataclass(frozen=True)
class Kind(Generic[S]):
    """A kind of aggregate: its state, how it comes about, and who saves snapshots of it."""

    category: str
    """The aggregates' type, which is the category of their streams."""
    state: Callable[..., S]
    """The class of the state; without arguments it makes the state before the first event."""
    apply: Callable[[S, Payload], S]
    saves_own_snapshots: bool = False
    """Whether the typed aggregate saves snapshots by itself; otherwise the server does by its policy."""

    def stream(self, aggregate_id: str) -> str:
        """The name of the stream of an aggregate."""
        return f"{self.category}-{aggregate_id}"

    def fold(self, state: S, event: RecordedEvent) -> S:
        """The state after an event. `ContractViolation` when it does not keep to its contract."""
        return self.apply(state, payload_of(event))

    def dump(self, state: S) -> Document:
        """The state as a merge of all payloads has it: what is none is not there."""
        return {name: value for name, value in asdict(state).items() if value is not None}  # type: ignore[call-overload]

    def restore(self, document: Document) -> S:
        """The state out of what `dump` or the server made of it."""
        return self.state(**document)


def payload_of(event: RecordedEvent) -> Payload:
    """What an event says, checked against its contract."""
    return decode(event.type, event.schema_version, event.json())


def patched(state: S, payload: Payload) -> S:
    """The state with everything that the payload names; maps are merged, and nulls in them take away."""
    said = payload.document()
    changes = {name: lay_over(getattr(state, name), it) if isinstance(it, dict) else it for name, it in said.items()}
    return replace(state, **changes)  # type: ignore[type-var]


def lay_over(document: Document, patch: Document) -> Document:
    """The document with everything that the patch names, maps in it likewise; a null takes away (RFC 7396)."""
    merged = dict(document)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict):
            merged[name] = lay_over(merged.get(name, {}), value)
        else:
            merged[name] = value
    return merged
