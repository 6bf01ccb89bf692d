"""What is registered for a type of event and a version of its schema, and what is found for an event.

Looked up is the exact version, then the major one (`2` for `2.1`), then what was registered without a version. The
last is warned of once per type and version when other versions of the type were registered: it may not be meant.
"""

from __future__ import annotations

import logging
from typing import Generic, TypeVar

_log = logging.getLogger("quipu_client")

Entry = TypeVar("Entry")


class Versions(Generic[Entry]):
    """Entries by type and version, several for each, in the order of registration."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._entries: dict[str, dict[str | None, list[Entry]]] = {}
        self._warned: set[tuple[str, str]] = set()

    def add(self, event_type: str, version: str | None, entry: Entry) -> None:
        """Register an entry; without a version it is the default of the type."""
        self._entries.setdefault(event_type, {}).setdefault(version, []).append(entry)

    def remove(self, event_type: str, version: str | None) -> None:
        """Forget what is registered for exactly this."""
        del self._entries[event_type][version]

    def has(self, event_type: str, version: str | None) -> bool:
        """Whether something is registered for exactly this."""
        return version in self._entries.get(event_type, {})

    def find(self, event_type: str, version: str) -> list[Entry]:
        """What is registered for an event of this type and version; empty when nothing is."""
        found, is_default = self.look_up(event_type, version)
        if is_default and len(self._entries[event_type]) > 1 and (event_type, version) not in self._warned:
            self._warned.add((event_type, version))
            _log.warning("no %s for version %s of %s: the one for any version is used", self._what, version, event_type)
        return found

    def look_up(self, event_type: str, version: str) -> tuple[list[Entry], bool]:
        """What `find` finds, without its warning, and whether it is the default of the type."""
        versions = self._entries.get(event_type, {})
        for candidate in (version, version.partition(".")[0]):
            if candidate in versions:
                return versions[candidate], False
        return versions.get(None, []), None in versions

    def versions_of(self, event_type: str) -> tuple[str | None, ...]:
        """The versions registered for a type; none stands for the default."""
        return tuple(self._entries.get(event_type, {}))

    @property
    def types(self) -> tuple[str, ...]:
        """The types that something is registered for, in the order of registration."""
        return tuple(self._entries)
