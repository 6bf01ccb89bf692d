import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ServerInfoGetRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ServerInfoGetResponse(_message.Message):
    __slots__ = ("version", "engine", "durability", "limits", "head", "tenant", "log_id")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    DURABILITY_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    LOG_ID_FIELD_NUMBER: _ClassVar[int]
    version: str
    engine: str
    durability: str
    limits: Limits
    head: int
    tenant: str
    log_id: str
    def __init__(self, version: _Optional[str] = ..., engine: _Optional[str] = ..., durability: _Optional[str] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., head: _Optional[int] = ..., tenant: _Optional[str] = ..., log_id: _Optional[str] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("stream_name_bytes", "event_type_bytes", "tags_per_event", "tag_bytes", "metadata_bytes", "data_bytes", "append_events", "append_bytes", "response_bytes", "recent_event_ids", "snapshots_per_stream", "heartbeat_interval", "query_items", "guards", "checkpoints")
    STREAM_NAME_BYTES_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_BYTES_FIELD_NUMBER: _ClassVar[int]
    TAGS_PER_EVENT_FIELD_NUMBER: _ClassVar[int]
    TAG_BYTES_FIELD_NUMBER: _ClassVar[int]
    METADATA_BYTES_FIELD_NUMBER: _ClassVar[int]
    DATA_BYTES_FIELD_NUMBER: _ClassVar[int]
    APPEND_EVENTS_FIELD_NUMBER: _ClassVar[int]
    APPEND_BYTES_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_BYTES_FIELD_NUMBER: _ClassVar[int]
    RECENT_EVENT_IDS_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOTS_PER_STREAM_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    QUERY_ITEMS_FIELD_NUMBER: _ClassVar[int]
    GUARDS_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINTS_FIELD_NUMBER: _ClassVar[int]
    stream_name_bytes: int
    event_type_bytes: int
    tags_per_event: int
    tag_bytes: int
    metadata_bytes: int
    data_bytes: int
    append_events: int
    append_bytes: int
    response_bytes: int
    recent_event_ids: int
    snapshots_per_stream: int
    heartbeat_interval: _duration_pb2.Duration
    query_items: int
    guards: int
    checkpoints: int
    def __init__(self, stream_name_bytes: _Optional[int] = ..., event_type_bytes: _Optional[int] = ..., tags_per_event: _Optional[int] = ..., tag_bytes: _Optional[int] = ..., metadata_bytes: _Optional[int] = ..., data_bytes: _Optional[int] = ..., append_events: _Optional[int] = ..., append_bytes: _Optional[int] = ..., response_bytes: _Optional[int] = ..., recent_event_ids: _Optional[int] = ..., snapshots_per_stream: _Optional[int] = ..., heartbeat_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., query_items: _Optional[int] = ..., guards: _Optional[int] = ..., checkpoints: _Optional[int] = ...) -> None: ...
