"""Events as the store would give them, for tests without one."""

from __future__ import annotations

from datetime import datetime, timezone

from quipu_client import RecordedEvent
from quipu_client.wire import encode


def recorded(
    event_type: str = "Noted",
    data: object = None,
    *,
    version: str = "1",
    revision: int = 0,
    position: int = 1,
    content_type: str = "application/json",
) -> RecordedEvent:
    return RecordedEvent(
        id="00000000-0000-4000-8000-000000000000",
        stream="s-1",
        revision=revision,
        position=position,
        recorded_at=datetime(2026, 1, 1, tzinfo=timezone.utc),
        type=event_type,
        data=encode(data),
        content_type=content_type,
        schema_version=version,
        tags=(),
        metadata={},
        correlation_id="",
        causation_id="",
        occurred_at=None,
    )
