"""Between Python's values and those of the wire: times, durations, JSON.

Times on the wire have nanoseconds, Python's have microseconds: what is finer is cut off, towards the past.
"""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime, timedelta, timezone

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)


def time_to_wire(time: datetime) -> Timestamp:
    """A time as it is sent. `ValueError` when it has no zone."""
    if time.tzinfo is None:
        raise ValueError("a time needs a zone: a naive datetime is not a place in the log")
    seconds, micros = divmod((time - _EPOCH) // _MICROSECOND, 1_000_000)
    return Timestamp(seconds=seconds, nanos=micros * 1_000)


def until_to_wire(time: datetime) -> Timestamp:
    """A time as it is sent where what happened by then is asked for: the end of its microsecond.

    So an event's own `recorded_at`, which was cut off, is late enough to find the event.
    """
    wire = time_to_wire(time)
    wire.nanos += 999
    return wire


def time_from_wire(wire: Timestamp) -> datetime:
    """A time as it was received, in UTC."""
    return _EPOCH + timedelta(seconds=wire.seconds, microseconds=wire.nanos // 1_000)


def duration_to_wire(duration: timedelta) -> Duration:
    """A duration as it is sent."""
    seconds, micros = divmod(duration // _MICROSECOND, 1_000_000)
    return Duration(seconds=seconds, nanos=micros * 1_000)


def seconds_to_wire(seconds: float) -> Duration:
    """A waiting time in seconds as it is sent."""
    return duration_to_wire(timedelta(seconds=seconds))


def duration_from_wire(wire: Duration) -> timedelta:
    """A duration as it was received."""
    return timedelta(seconds=wire.seconds, microseconds=wire.nanos // 1_000)


def encode(data: object) -> bytes:
    """A payload as it is stored: bytes as they are, anything else as JSON, dataclasses by their fields.

    `TypeError` or `ValueError` when it has no JSON form.
    """
    if isinstance(data, bytes):
        return data
    text = json.dumps(data, default=_fields, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode()


def is_json(content_type: str) -> bool:
    """Whether a payload of this media type is JSON; unset means that it is."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind in ("", "application/json") or kind.endswith("+json")


def _fields(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    raise TypeError(f"a {type(value).__name__} has no JSON form")
