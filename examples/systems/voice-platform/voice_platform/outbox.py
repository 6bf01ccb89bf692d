"""Notices for people, outside of the store: a directory with one file for each, called after its key.

A notice that is put again finds its file and leaves it as it is: the key makes the effect idempotent. Whoever sends
notices takes files from here.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from .domain.contracts import Document


class Outbox:
    """A directory of notices."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory

    def put(self, key: str, notice: Document) -> bool:
        """Leave a notice, whole or not at all; false when there is one with this key."""
        with tempfile.NamedTemporaryFile("w", dir=self._directory, prefix=".", suffix=".part") as part:
            json.dump(notice, part)
            part.flush()
            os.fsync(part.fileno())
            try:
                os.link(part.name, self._directory / f"{key}.json")
            except FileExistsError:
                return False
        return True

    def notices(self) -> dict[str, Document]:
        """All notices by their keys."""
        return {path.stem: json.loads(path.read_text()) for path in self._directory.glob("[!.]*.json")}
