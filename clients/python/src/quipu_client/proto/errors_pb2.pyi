from . import event_pb2 as _event_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ErrorReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ERROR_REASON_UNSPECIFIED: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_ARGUMENT: _ClassVar[ErrorReason]
    ERROR_REASON_LIMIT_EXCEEDED: _ClassVar[ErrorReason]
    ERROR_REASON_WRONG_EXPECTED_REVISION: _ClassVar[ErrorReason]
    ERROR_REASON_SNAPSHOT_AHEAD: _ClassVar[ErrorReason]
    ERROR_REASON_STREAM_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_EVENT_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_SNAPSHOT_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_TENANT_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_EVENT_ID_CONFLICT: _ClassVar[ErrorReason]
    ERROR_REASON_BEYOND_END: _ClassVar[ErrorReason]
    ERROR_REASON_QUEUE_FULL: _ClassVar[ErrorReason]
    ERROR_REASON_DISK_FULL: _ClassVar[ErrorReason]
    ERROR_REASON_TOO_MANY_TENANTS: _ClassVar[ErrorReason]
    ERROR_REASON_SHUTTING_DOWN: _ClassVar[ErrorReason]
    ERROR_REASON_POISONED: _ClassVar[ErrorReason]
    ERROR_REASON_DAMAGED: _ClassVar[ErrorReason]
    ERROR_REASON_INTERNAL: _ClassVar[ErrorReason]
    ERROR_REASON_GUARD_NOT_MET: _ClassVar[ErrorReason]
    ERROR_REASON_STREAM_DELETED: _ClassVar[ErrorReason]
    ERROR_REASON_STREAM_TOMBSTONED: _ClassVar[ErrorReason]
    ERROR_REASON_CHECKPOINT_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_WRONG_CHECKPOINT: _ClassVar[ErrorReason]
    ERROR_REASON_TOO_MANY_CHECKPOINTS: _ClassVar[ErrorReason]
    ERROR_REASON_GROUP_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_GROUP_EXISTS: _ClassVar[ErrorReason]
    ERROR_REASON_MEMBER_EXISTS: _ClassVar[ErrorReason]
    ERROR_REASON_NOT_PARKED: _ClassVar[ErrorReason]
    ERROR_REASON_TOO_MANY_GROUPS: _ClassVar[ErrorReason]
    ERROR_REASON_READ_MODEL_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_WRONG_READ_MODEL_POSITION: _ClassVar[ErrorReason]
    ERROR_REASON_NOT_FOLDABLE: _ClassVar[ErrorReason]
    ERROR_REASON_POLICY_NOT_FOUND: _ClassVar[ErrorReason]
ERROR_REASON_UNSPECIFIED: ErrorReason
ERROR_REASON_INVALID_ARGUMENT: ErrorReason
ERROR_REASON_LIMIT_EXCEEDED: ErrorReason
ERROR_REASON_WRONG_EXPECTED_REVISION: ErrorReason
ERROR_REASON_SNAPSHOT_AHEAD: ErrorReason
ERROR_REASON_STREAM_NOT_FOUND: ErrorReason
ERROR_REASON_EVENT_NOT_FOUND: ErrorReason
ERROR_REASON_SNAPSHOT_NOT_FOUND: ErrorReason
ERROR_REASON_TENANT_NOT_FOUND: ErrorReason
ERROR_REASON_EVENT_ID_CONFLICT: ErrorReason
ERROR_REASON_BEYOND_END: ErrorReason
ERROR_REASON_QUEUE_FULL: ErrorReason
ERROR_REASON_DISK_FULL: ErrorReason
ERROR_REASON_TOO_MANY_TENANTS: ErrorReason
ERROR_REASON_SHUTTING_DOWN: ErrorReason
ERROR_REASON_POISONED: ErrorReason
ERROR_REASON_DAMAGED: ErrorReason
ERROR_REASON_INTERNAL: ErrorReason
ERROR_REASON_GUARD_NOT_MET: ErrorReason
ERROR_REASON_STREAM_DELETED: ErrorReason
ERROR_REASON_STREAM_TOMBSTONED: ErrorReason
ERROR_REASON_CHECKPOINT_NOT_FOUND: ErrorReason
ERROR_REASON_WRONG_CHECKPOINT: ErrorReason
ERROR_REASON_TOO_MANY_CHECKPOINTS: ErrorReason
ERROR_REASON_GROUP_NOT_FOUND: ErrorReason
ERROR_REASON_GROUP_EXISTS: ErrorReason
ERROR_REASON_MEMBER_EXISTS: ErrorReason
ERROR_REASON_NOT_PARKED: ErrorReason
ERROR_REASON_TOO_MANY_GROUPS: ErrorReason
ERROR_REASON_READ_MODEL_NOT_FOUND: ErrorReason
ERROR_REASON_WRONG_READ_MODEL_POSITION: ErrorReason
ERROR_REASON_NOT_FOLDABLE: ErrorReason
ERROR_REASON_POLICY_NOT_FOUND: ErrorReason

class WrongExpectedRevision(_message.Message):
    __slots__ = ("stream", "expected", "actual_revision", "head")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    ACTUAL_REVISION_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    stream: str
    expected: _event_pb2.ExpectedRevision
    actual_revision: int
    head: int
    def __init__(self, stream: _Optional[str] = ..., expected: _Optional[_Union[_event_pb2.ExpectedRevision, _Mapping]] = ..., actual_revision: _Optional[int] = ..., head: _Optional[int] = ...) -> None: ...

class GuardNotMet(_message.Message):
    __slots__ = ("index", "stream", "event", "checkpoint", "head")
    class MatchingEvent(_message.Message):
        __slots__ = ("position", "type")
        POSITION_FIELD_NUMBER: _ClassVar[int]
        TYPE_FIELD_NUMBER: _ClassVar[int]
        position: int
        type: str
        def __init__(self, position: _Optional[int] = ..., type: _Optional[str] = ...) -> None: ...
    INDEX_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    index: int
    stream: WrongExpectedRevision
    event: GuardNotMet.MatchingEvent
    checkpoint: WrongCheckpoint
    head: int
    def __init__(self, index: _Optional[int] = ..., stream: _Optional[_Union[WrongExpectedRevision, _Mapping]] = ..., event: _Optional[_Union[GuardNotMet.MatchingEvent, _Mapping]] = ..., checkpoint: _Optional[_Union[WrongCheckpoint, _Mapping]] = ..., head: _Optional[int] = ...) -> None: ...

class WrongCheckpoint(_message.Message):
    __slots__ = ("name", "expected_position", "actual_position")
    NAME_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_POSITION_FIELD_NUMBER: _ClassVar[int]
    ACTUAL_POSITION_FIELD_NUMBER: _ClassVar[int]
    name: str
    expected_position: int
    actual_position: int
    def __init__(self, name: _Optional[str] = ..., expected_position: _Optional[int] = ..., actual_position: _Optional[int] = ...) -> None: ...

class EventIdConflict(_message.Message):
    __slots__ = ("id", "stream", "position")
    ID_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    id: str
    stream: str
    position: int
    def __init__(self, id: _Optional[str] = ..., stream: _Optional[str] = ..., position: _Optional[int] = ...) -> None: ...

class BeyondEnd(_message.Message):
    __slots__ = ("asked", "last")
    ASKED_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    asked: int
    last: int
    def __init__(self, asked: _Optional[int] = ..., last: _Optional[int] = ...) -> None: ...

class LimitExceeded(_message.Message):
    __slots__ = ("limit", "maximum", "actual")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_FIELD_NUMBER: _ClassVar[int]
    ACTUAL_FIELD_NUMBER: _ClassVar[int]
    limit: str
    maximum: int
    actual: int
    def __init__(self, limit: _Optional[str] = ..., maximum: _Optional[int] = ..., actual: _Optional[int] = ...) -> None: ...

class WrongReadModelPosition(_message.Message):
    __slots__ = ("model", "generation", "expected_position", "actual_position")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_POSITION_FIELD_NUMBER: _ClassVar[int]
    ACTUAL_POSITION_FIELD_NUMBER: _ClassVar[int]
    model: str
    generation: int
    expected_position: int
    actual_position: int
    def __init__(self, model: _Optional[str] = ..., generation: _Optional[int] = ..., expected_position: _Optional[int] = ..., actual_position: _Optional[int] = ...) -> None: ...

class NotFoldable(_message.Message):
    __slots__ = ("stream", "revision", "is_snapshot")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    IS_SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    stream: str
    revision: int
    is_snapshot: bool
    def __init__(self, stream: _Optional[str] = ..., revision: _Optional[int] = ..., is_snapshot: _Optional[bool] = ...) -> None: ...
