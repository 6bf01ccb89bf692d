"""From old shapes of payloads to new ones, while they are read.

Owns `Upcasters`: functions by type and version, chained until none applies. What is stored never changes. A
function does not apply to the version that it makes, so one for a major version, or for any, may lead to a version
that it would be looked up for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from .event import RecordedEvent
from .versions import Versions
from .wire import encode, is_json

Upcast = Callable[[Any], object]
"""From the payload of one version, out of JSON, to that of another; of other media types it gets and makes bytes."""


class UpcastLoop(Exception):  # noqa: N818
    """A chain of upcasters comes back to a version that it has been at."""

    def __init__(self, event_type: str, versions: Iterable[str]) -> None:
        self.type = event_type
        self.versions = tuple(versions)
        """The chain, up to the version that it has been at."""
        super().__init__(f"upcasters of {event_type} go in a loop: {' -> '.join(self.versions)}")


class UpcastFailed(Exception):  # noqa: N818
    """An upcaster raised. What it raised is the `__cause__`."""

    def __init__(self, event: RecordedEvent, version: str, cause: Exception) -> None:
        self.type = event.type
        self.version = version
        """The version that the upcaster was given."""
        self.position = event.position
        super().__init__(
            f"upcasting {event.type} from version {version} failed at position {event.position}: "
            f"{type(cause).__name__}: {cause}"
        )


@dataclass(frozen=True)
class _Step:
    to: str
    upcast: Upcast


class Upcasters:
    """The upcasters of a program. Register them before reading."""

    def __init__(self) -> None:
        self._steps: Versions[_Step] = Versions("upcaster")

    def add(self, event_type: str, from_version: str | None, to_version: str, upcast: Upcast) -> None:
        """Register a function from one version to another.

        `2` stands for any `2.x` that has no function of its own, none for any version. `UpcastLoop` when a chain
        would come back to a version that it has been at, `ValueError` when there is a function for this version.
        """
        if self._steps.has(event_type, from_version):
            raise ValueError(f"there is an upcaster for version {from_version or '(any)'} of {event_type}")
        if from_version == to_version:
            raise UpcastLoop(event_type, (to_version, to_version))
        self._steps.add(event_type, from_version, _Step(to_version, upcast))
        try:
            self._refuse_loops(event_type)
        except UpcastLoop:
            self._steps.remove(event_type, from_version)
            raise

    def on(self, event_type: str, from_version: str | None, to_version: str) -> Callable[[Upcast], Upcast]:
        """`add` as a decorator."""

        def register(upcast: Upcast) -> Upcast:
            self.add(event_type, from_version, to_version, upcast)
            return upcast

        return register

    def upcast(self, event: RecordedEvent) -> RecordedEvent:
        """The event in its newest shape. `UpcastFailed` when a function raises."""
        step = self._step(event.type, event.schema_version)
        if step is None:
            return event
        version = event.schema_version
        as_json = is_json(event.content_type)
        try:
            data = event.json() if as_json else event.data
            while step is not None:
                data = step.upcast(data)
                version = step.to
                step = self._step(event.type, version)
            return replace(event, data=encode(data), schema_version=version)
        except Exception as cause:
            raise UpcastFailed(event, version, cause) from cause

    def _step(self, event_type: str, version: str, *, warn: bool = True) -> _Step | None:
        """The function that applies; there is at most one for a version."""
        step = next(iter(self._steps.look_up(event_type, version)[0]), None)
        if step is None or step.to == version:
            return None
        if warn:
            self._steps.find(event_type, version)
        return step

    def _refuse_loops(self, event_type: str) -> None:
        """Follow the chain from every version that a function is for.

        Any other version goes where its major one or the default goes, or nowhere; the empty one stands for those
        that only the default is for.
        """
        for begin in self._steps.versions_of(event_type):
            seen = [begin or ""]
            while step := self._step(event_type, seen[-1], warn=False):
                if step.to in seen:
                    raise UpcastLoop(event_type, (*seen, step.to))
                seen.append(step.to)
