"""What a projection sees of a read model.

Owns `Documents`, which the client's projector offers with each event, and `MemoryDocuments`, the same without a
store, for replays and tests.
"""

from __future__ import annotations

import json
from typing import Any, Protocol


class Documents(Protocol):
    """Documents by type and id."""

    async def get(self, type: str, id: str) -> Any:  # noqa: A002
        """A document; none when there is none."""

    def upsert(self, type: str, id: str, data: object) -> None:  # noqa: A002
        """Write a document."""


class MemoryDocuments:
    """Documents that live as long as the program. They are kept as JSON, so that nobody shares one."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], str] = {}

    async def get(self, type: str, id: str) -> Any:  # noqa: A002
        """A document; none when there is none."""
        kept = self._kept.get((type, id))
        return None if kept is None else json.loads(kept)

    def upsert(self, type: str, id: str, data: object) -> None:  # noqa: A002
        """Write a document."""
        self._kept[type, id] = json.dumps(data)

    def all(self) -> dict[tuple[str, str], Any]:
        """All documents by type and id."""
        return {key: json.loads(kept) for key, kept in self._kept.items()}
