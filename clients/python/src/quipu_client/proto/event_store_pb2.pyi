import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from . import event_pb2 as _event_pb2
from . import query_pb2 as _query_pb2
from . import snapshots_pb2 as _snapshots_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AppendRequest(_message.Message):
    __slots__ = ("stream", "expected", "events", "guards")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    GUARDS_FIELD_NUMBER: _ClassVar[int]
    stream: str
    expected: _event_pb2.ExpectedRevision
    events: _containers.RepeatedCompositeFieldContainer[_event_pb2.NewEvent]
    guards: _containers.RepeatedCompositeFieldContainer[_query_pb2.Guard]
    def __init__(self, stream: _Optional[str] = ..., expected: _Optional[_Union[_event_pb2.ExpectedRevision, _Mapping]] = ..., events: _Optional[_Iterable[_Union[_event_pb2.NewEvent, _Mapping]]] = ..., guards: _Optional[_Iterable[_Union[_query_pb2.Guard, _Mapping]]] = ...) -> None: ...

class AppendResponse(_message.Message):
    __slots__ = ("first_revision", "last_revision", "first_position", "last_position", "deduplicated")
    FIRST_REVISION_FIELD_NUMBER: _ClassVar[int]
    LAST_REVISION_FIELD_NUMBER: _ClassVar[int]
    FIRST_POSITION_FIELD_NUMBER: _ClassVar[int]
    LAST_POSITION_FIELD_NUMBER: _ClassVar[int]
    DEDUPLICATED_FIELD_NUMBER: _ClassVar[int]
    first_revision: int
    last_revision: int
    first_position: int
    last_position: int
    deduplicated: bool
    def __init__(self, first_revision: _Optional[int] = ..., last_revision: _Optional[int] = ..., first_position: _Optional[int] = ..., last_position: _Optional[int] = ..., deduplicated: _Optional[bool] = ...) -> None: ...

class TransactRequest(_message.Message):
    __slots__ = ("appends", "guards", "checkpoints")
    APPENDS_FIELD_NUMBER: _ClassVar[int]
    GUARDS_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINTS_FIELD_NUMBER: _ClassVar[int]
    appends: _containers.RepeatedCompositeFieldContainer[StreamAppend]
    guards: _containers.RepeatedCompositeFieldContainer[_query_pb2.Guard]
    checkpoints: _containers.RepeatedCompositeFieldContainer[CheckpointAdvance]
    def __init__(self, appends: _Optional[_Iterable[_Union[StreamAppend, _Mapping]]] = ..., guards: _Optional[_Iterable[_Union[_query_pb2.Guard, _Mapping]]] = ..., checkpoints: _Optional[_Iterable[_Union[CheckpointAdvance, _Mapping]]] = ...) -> None: ...

class StreamAppend(_message.Message):
    __slots__ = ("stream", "expected", "events")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    stream: str
    expected: _event_pb2.ExpectedRevision
    events: _containers.RepeatedCompositeFieldContainer[_event_pb2.NewEvent]
    def __init__(self, stream: _Optional[str] = ..., expected: _Optional[_Union[_event_pb2.ExpectedRevision, _Mapping]] = ..., events: _Optional[_Iterable[_Union[_event_pb2.NewEvent, _Mapping]]] = ...) -> None: ...

class CheckpointAdvance(_message.Message):
    __slots__ = ("name", "position")
    NAME_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    name: str
    position: int
    def __init__(self, name: _Optional[str] = ..., position: _Optional[int] = ...) -> None: ...

class TransactResponse(_message.Message):
    __slots__ = ("appends", "first_position", "last_position", "deduplicated")
    APPENDS_FIELD_NUMBER: _ClassVar[int]
    FIRST_POSITION_FIELD_NUMBER: _ClassVar[int]
    LAST_POSITION_FIELD_NUMBER: _ClassVar[int]
    DEDUPLICATED_FIELD_NUMBER: _ClassVar[int]
    appends: _containers.RepeatedCompositeFieldContainer[AppendResponse]
    first_position: int
    last_position: int
    deduplicated: bool
    def __init__(self, appends: _Optional[_Iterable[_Union[AppendResponse, _Mapping]]] = ..., first_position: _Optional[int] = ..., last_position: _Optional[int] = ..., deduplicated: _Optional[bool] = ...) -> None: ...

class AppendSessionRequest(_message.Message):
    __slots__ = ("append",)
    APPEND_FIELD_NUMBER: _ClassVar[int]
    append: AppendRequest
    def __init__(self, append: _Optional[_Union[AppendRequest, _Mapping]] = ...) -> None: ...

class AppendSessionResponse(_message.Message):
    __slots__ = ("appended", "failed")
    APPENDED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    appended: AppendResponse
    failed: AppendFailure
    def __init__(self, appended: _Optional[_Union[AppendResponse, _Mapping]] = ..., failed: _Optional[_Union[AppendFailure, _Mapping]] = ...) -> None: ...

class AppendFailure(_message.Message):
    __slots__ = ("code", "message", "status")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    code: int
    message: str
    status: bytes
    def __init__(self, code: _Optional[int] = ..., message: _Optional[str] = ..., status: _Optional[bytes] = ...) -> None: ...

class ReadStreamRequest(_message.Message):
    __slots__ = ("stream", "from_revision", "start", "end", "direction", "limit", "with_snapshot", "types")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    FROM_REVISION_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    WITH_SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    TYPES_FIELD_NUMBER: _ClassVar[int]
    stream: str
    from_revision: int
    start: _event_pb2.Start
    end: _event_pb2.End
    direction: _event_pb2.Direction
    limit: int
    with_snapshot: bool
    types: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, stream: _Optional[str] = ..., from_revision: _Optional[int] = ..., start: _Optional[_Union[_event_pb2.Start, _Mapping]] = ..., end: _Optional[_Union[_event_pb2.End, _Mapping]] = ..., direction: _Optional[_Union[_event_pb2.Direction, str]] = ..., limit: _Optional[int] = ..., with_snapshot: _Optional[bool] = ..., types: _Optional[_Iterable[str]] = ...) -> None: ...

class ReadStreamResponse(_message.Message):
    __slots__ = ("events", "snapshot", "head_revision")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    HEAD_REVISION_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[_event_pb2.RecordedEvent]
    snapshot: _snapshots_pb2.Snapshot
    head_revision: int
    def __init__(self, events: _Optional[_Iterable[_Union[_event_pb2.RecordedEvent, _Mapping]]] = ..., snapshot: _Optional[_Union[_snapshots_pb2.Snapshot, _Mapping]] = ..., head_revision: _Optional[int] = ...) -> None: ...

class ReadAllRequest(_message.Message):
    __slots__ = ("from_position", "start", "end", "from_time", "direction", "limit", "include_system", "query")
    FROM_POSITION_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    FROM_TIME_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    from_position: int
    start: _event_pb2.Start
    end: _event_pb2.End
    from_time: _timestamp_pb2.Timestamp
    direction: _event_pb2.Direction
    limit: int
    include_system: bool
    query: _query_pb2.Query
    def __init__(self, from_position: _Optional[int] = ..., start: _Optional[_Union[_event_pb2.Start, _Mapping]] = ..., end: _Optional[_Union[_event_pb2.End, _Mapping]] = ..., from_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., direction: _Optional[_Union[_event_pb2.Direction, str]] = ..., limit: _Optional[int] = ..., include_system: _Optional[bool] = ..., query: _Optional[_Union[_query_pb2.Query, _Mapping]] = ...) -> None: ...

class ReadAllResponse(_message.Message):
    __slots__ = ("events", "head")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[_event_pb2.RecordedEvent]
    head: int
    def __init__(self, events: _Optional[_Iterable[_Union[_event_pb2.RecordedEvent, _Mapping]]] = ..., head: _Optional[int] = ...) -> None: ...

class SubscribeAllRequest(_message.Message):
    __slots__ = ("start", "end", "after_position", "from_time", "query", "include_system")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    AFTER_POSITION_FIELD_NUMBER: _ClassVar[int]
    FROM_TIME_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    start: _event_pb2.Start
    end: _event_pb2.End
    after_position: int
    from_time: _timestamp_pb2.Timestamp
    query: _query_pb2.Query
    include_system: bool
    def __init__(self, start: _Optional[_Union[_event_pb2.Start, _Mapping]] = ..., end: _Optional[_Union[_event_pb2.End, _Mapping]] = ..., after_position: _Optional[int] = ..., from_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., query: _Optional[_Union[_query_pb2.Query, _Mapping]] = ..., include_system: _Optional[bool] = ...) -> None: ...

class SubscribeAllResponse(_message.Message):
    __slots__ = ("events", "caught_up", "fell_behind", "checkpoint", "heartbeat")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    CAUGHT_UP_FIELD_NUMBER: _ClassVar[int]
    FELL_BEHIND_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[_event_pb2.RecordedEvent]
    caught_up: CaughtUp
    fell_behind: FellBehind
    checkpoint: Checkpoint
    heartbeat: Heartbeat
    def __init__(self, events: _Optional[_Iterable[_Union[_event_pb2.RecordedEvent, _Mapping]]] = ..., caught_up: _Optional[_Union[CaughtUp, _Mapping]] = ..., fell_behind: _Optional[_Union[FellBehind, _Mapping]] = ..., checkpoint: _Optional[_Union[Checkpoint, _Mapping]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ...) -> None: ...

class SubscribeStreamRequest(_message.Message):
    __slots__ = ("stream", "start", "end", "after_revision", "types")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    AFTER_REVISION_FIELD_NUMBER: _ClassVar[int]
    TYPES_FIELD_NUMBER: _ClassVar[int]
    stream: str
    start: _event_pb2.Start
    end: _event_pb2.End
    after_revision: int
    types: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, stream: _Optional[str] = ..., start: _Optional[_Union[_event_pb2.Start, _Mapping]] = ..., end: _Optional[_Union[_event_pb2.End, _Mapping]] = ..., after_revision: _Optional[int] = ..., types: _Optional[_Iterable[str]] = ...) -> None: ...

class SubscribeStreamResponse(_message.Message):
    __slots__ = ("events", "caught_up", "fell_behind", "heartbeat")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    CAUGHT_UP_FIELD_NUMBER: _ClassVar[int]
    FELL_BEHIND_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[_event_pb2.RecordedEvent]
    caught_up: CaughtUp
    fell_behind: FellBehind
    heartbeat: Heartbeat
    def __init__(self, events: _Optional[_Iterable[_Union[_event_pb2.RecordedEvent, _Mapping]]] = ..., caught_up: _Optional[_Union[CaughtUp, _Mapping]] = ..., fell_behind: _Optional[_Union[FellBehind, _Mapping]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ...) -> None: ...

class CaughtUp(_message.Message):
    __slots__ = ("position",)
    POSITION_FIELD_NUMBER: _ClassVar[int]
    position: int
    def __init__(self, position: _Optional[int] = ...) -> None: ...

class FellBehind(_message.Message):
    __slots__ = ("position", "head")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    position: int
    head: int
    def __init__(self, position: _Optional[int] = ..., head: _Optional[int] = ...) -> None: ...

class Checkpoint(_message.Message):
    __slots__ = ("position",)
    POSITION_FIELD_NUMBER: _ClassVar[int]
    position: int
    def __init__(self, position: _Optional[int] = ...) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = ("position", "time")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    position: int
    time: _timestamp_pb2.Timestamp
    def __init__(self, position: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetEventRequest(_message.Message):
    __slots__ = ("id", "position")
    ID_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    id: str
    position: int
    def __init__(self, id: _Optional[str] = ..., position: _Optional[int] = ...) -> None: ...

class GetEventResponse(_message.Message):
    __slots__ = ("event",)
    EVENT_FIELD_NUMBER: _ClassVar[int]
    event: _event_pb2.RecordedEvent
    def __init__(self, event: _Optional[_Union[_event_pb2.RecordedEvent, _Mapping]] = ...) -> None: ...
