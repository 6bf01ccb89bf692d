import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Snapshot(_message.Message):
    __slots__ = ("stream", "revision", "data", "content_type", "metadata", "schema_version", "saved_at")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    STREAM_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_VERSION_FIELD_NUMBER: _ClassVar[int]
    SAVED_AT_FIELD_NUMBER: _ClassVar[int]
    stream: str
    revision: int
    data: bytes
    content_type: str
    metadata: _containers.ScalarMap[str, str]
    schema_version: str
    saved_at: _timestamp_pb2.Timestamp
    def __init__(self, stream: _Optional[str] = ..., revision: _Optional[int] = ..., data: _Optional[bytes] = ..., content_type: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ..., schema_version: _Optional[str] = ..., saved_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SnapshotsSaveRequest(_message.Message):
    __slots__ = ("stream", "revision", "data", "content_type", "metadata", "schema_version")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    STREAM_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_VERSION_FIELD_NUMBER: _ClassVar[int]
    stream: str
    revision: int
    data: bytes
    content_type: str
    metadata: _containers.ScalarMap[str, str]
    schema_version: str
    def __init__(self, stream: _Optional[str] = ..., revision: _Optional[int] = ..., data: _Optional[bytes] = ..., content_type: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ..., schema_version: _Optional[str] = ...) -> None: ...

class SnapshotsSaveResponse(_message.Message):
    __slots__ = ("saved_at",)
    SAVED_AT_FIELD_NUMBER: _ClassVar[int]
    saved_at: _timestamp_pb2.Timestamp
    def __init__(self, saved_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SnapshotsGetRequest(_message.Message):
    __slots__ = ("stream", "at_or_before_revision")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    AT_OR_BEFORE_REVISION_FIELD_NUMBER: _ClassVar[int]
    stream: str
    at_or_before_revision: int
    def __init__(self, stream: _Optional[str] = ..., at_or_before_revision: _Optional[int] = ...) -> None: ...

class SnapshotsGetResponse(_message.Message):
    __slots__ = ("snapshot",)
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    snapshot: Snapshot
    def __init__(self, snapshot: _Optional[_Union[Snapshot, _Mapping]] = ...) -> None: ...

class SnapshotsListRequest(_message.Message):
    __slots__ = ("stream",)
    STREAM_FIELD_NUMBER: _ClassVar[int]
    stream: str
    def __init__(self, stream: _Optional[str] = ...) -> None: ...

class SnapshotsListResponse(_message.Message):
    __slots__ = ("snapshots",)
    SNAPSHOTS_FIELD_NUMBER: _ClassVar[int]
    snapshots: _containers.RepeatedCompositeFieldContainer[SnapshotInfo]
    def __init__(self, snapshots: _Optional[_Iterable[_Union[SnapshotInfo, _Mapping]]] = ...) -> None: ...

class SnapshotInfo(_message.Message):
    __slots__ = ("revision", "saved_at", "size_bytes")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    SAVED_AT_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    revision: int
    saved_at: _timestamp_pb2.Timestamp
    size_bytes: int
    def __init__(self, revision: _Optional[int] = ..., saved_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., size_bytes: _Optional[int] = ...) -> None: ...

class SnapshotsDeleteRequest(_message.Message):
    __slots__ = ("stream", "revision")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    stream: str
    revision: int
    def __init__(self, stream: _Optional[str] = ..., revision: _Optional[int] = ...) -> None: ...

class SnapshotsDeleteResponse(_message.Message):
    __slots__ = ("deleted",)
    DELETED_FIELD_NUMBER: _ClassVar[int]
    deleted: int
    def __init__(self, deleted: _Optional[int] = ...) -> None: ...

class SnapshotsGetStateRequest(_message.Message):
    __slots__ = ("stream", "revision", "time", "without_snapshot")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    WITHOUT_SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    stream: str
    revision: int
    time: _timestamp_pb2.Timestamp
    without_snapshot: bool
    def __init__(self, stream: _Optional[str] = ..., revision: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., without_snapshot: _Optional[bool] = ...) -> None: ...

class SnapshotsGetStateResponse(_message.Message):
    __slots__ = ("data", "revision", "snapshot_revision", "events")
    DATA_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_REVISION_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    revision: int
    snapshot_revision: int
    events: int
    def __init__(self, data: _Optional[bytes] = ..., revision: _Optional[int] = ..., snapshot_revision: _Optional[int] = ..., events: _Optional[int] = ...) -> None: ...

class SnapshotsSetPolicyRequest(_message.Message):
    __slots__ = ("policy",)
    POLICY_FIELD_NUMBER: _ClassVar[int]
    policy: SnapshotPolicy
    def __init__(self, policy: _Optional[_Union[SnapshotPolicy, _Mapping]] = ...) -> None: ...

class SnapshotPolicy(_message.Message):
    __slots__ = ("category", "every_events")
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    EVERY_EVENTS_FIELD_NUMBER: _ClassVar[int]
    category: str
    every_events: int
    def __init__(self, category: _Optional[str] = ..., every_events: _Optional[int] = ...) -> None: ...

class SnapshotsSetPolicyResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SnapshotsListPoliciesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SnapshotsListPoliciesResponse(_message.Message):
    __slots__ = ("policies",)
    POLICIES_FIELD_NUMBER: _ClassVar[int]
    policies: _containers.RepeatedCompositeFieldContainer[SnapshotPolicy]
    def __init__(self, policies: _Optional[_Iterable[_Union[SnapshotPolicy, _Mapping]]] = ...) -> None: ...

class SnapshotsDeletePolicyRequest(_message.Message):
    __slots__ = ("category",)
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    category: str
    def __init__(self, category: _Optional[str] = ...) -> None: ...

class SnapshotsDeletePolicyResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
