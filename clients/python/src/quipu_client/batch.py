"""Changes of a read model on their way.

Owns `Batch`: what handlers have changed since the last write, what they have read, and up to which position events
are in it. It neither waits nor speaks.
"""

from __future__ import annotations

from .read_model import Document, DocumentKey, NewDocument

_Key = tuple[str, str]


class Batch:
    """The changes of some events, one after the other."""

    def __init__(self, position: int) -> None:
        self.expected_position = position
        """Where the read model is."""
        self.position = position
        """Where it will be: the last event that is in it, or that did not matter."""
        self.events = 0
        """Events that were applied."""
        self.bytes = 0
        """The size of the changed documents, about."""
        self._changes: dict[_Key, NewDocument | None] = {}
        self._known: dict[_Key, Document | None] = {}

    @property
    def has_changes(self) -> bool:
        """Whether a document is changed."""
        return bool(self._changes)

    @property
    def has_moved(self) -> bool:
        """Whether there is anything to write: a change, or another position."""
        return self.has_changes or self.position > self.expected_position

    @property
    def upserts(self) -> list[NewDocument]:
        """Documents as they are from now on."""
        return [change for change in self._changes.values() if change is not None]

    @property
    def deletes(self) -> list[DocumentKey]:
        """Documents that go."""
        return [DocumentKey(*key) for key, change in self._changes.items() if change is None]

    def knows(self, key: _Key) -> bool:
        """Whether a document was changed or read before."""
        return key in self._changes or key in self._known

    def document(self, key: _Key) -> NewDocument | Document | None:
        """A document that it knows, as it is in the batch; none when there is none."""
        return self._changes[key] if key in self._changes else self._known[key]

    def learn(self, key: _Key, document: Document | None) -> None:
        """Note what was read, so that it is not read again."""
        self._known[key] = document

    def upsert(self, document: NewDocument) -> None:
        """Change a document."""
        self._changes[document.type, document.id] = document
        self.bytes += len(document.data)

    def delete(self, key: _Key) -> None:
        """Take a document away."""
        self._changes[key] = None

    def move(self, position: int) -> None:
        """Note that everything up to this position is in it, or did not matter."""
        self.position = max(self.position, position)
