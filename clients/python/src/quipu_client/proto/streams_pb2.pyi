import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from . import event_pb2 as _event_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StreamsGetRequest(_message.Message):
    __slots__ = ("stream",)
    STREAM_FIELD_NUMBER: _ClassVar[int]
    stream: str
    def __init__(self, stream: _Optional[str] = ...) -> None: ...

class StreamsGetResponse(_message.Message):
    __slots__ = ("stream",)
    STREAM_FIELD_NUMBER: _ClassVar[int]
    stream: StreamInfo
    def __init__(self, stream: _Optional[_Union[StreamInfo, _Mapping]] = ...) -> None: ...

class StreamInfo(_message.Message):
    __slots__ = ("stream", "first_revision", "head_revision", "event_count", "last_position", "first_recorded_at", "last_recorded_at", "metadata")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    FIRST_REVISION_FIELD_NUMBER: _ClassVar[int]
    HEAD_REVISION_FIELD_NUMBER: _ClassVar[int]
    EVENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    LAST_POSITION_FIELD_NUMBER: _ClassVar[int]
    FIRST_RECORDED_AT_FIELD_NUMBER: _ClassVar[int]
    LAST_RECORDED_AT_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    stream: str
    first_revision: int
    head_revision: int
    event_count: int
    last_position: int
    first_recorded_at: _timestamp_pb2.Timestamp
    last_recorded_at: _timestamp_pb2.Timestamp
    metadata: StreamMetadata
    def __init__(self, stream: _Optional[str] = ..., first_revision: _Optional[int] = ..., head_revision: _Optional[int] = ..., event_count: _Optional[int] = ..., last_position: _Optional[int] = ..., first_recorded_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_recorded_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., metadata: _Optional[_Union[StreamMetadata, _Mapping]] = ...) -> None: ...

class StreamMetadata(_message.Message):
    __slots__ = ("max_age", "max_count", "truncate_before", "properties")
    class PropertiesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    MAX_AGE_FIELD_NUMBER: _ClassVar[int]
    MAX_COUNT_FIELD_NUMBER: _ClassVar[int]
    TRUNCATE_BEFORE_FIELD_NUMBER: _ClassVar[int]
    PROPERTIES_FIELD_NUMBER: _ClassVar[int]
    max_age: _duration_pb2.Duration
    max_count: int
    truncate_before: int
    properties: _containers.ScalarMap[str, str]
    def __init__(self, max_age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_count: _Optional[int] = ..., truncate_before: _Optional[int] = ..., properties: _Optional[_Mapping[str, str]] = ...) -> None: ...

class StreamsSetMetadataRequest(_message.Message):
    __slots__ = ("stream", "metadata", "expected")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    stream: str
    metadata: StreamMetadata
    expected: _event_pb2.ExpectedRevision
    def __init__(self, stream: _Optional[str] = ..., metadata: _Optional[_Union[StreamMetadata, _Mapping]] = ..., expected: _Optional[_Union[_event_pb2.ExpectedRevision, _Mapping]] = ...) -> None: ...

class StreamsSetMetadataResponse(_message.Message):
    __slots__ = ("position",)
    POSITION_FIELD_NUMBER: _ClassVar[int]
    position: int
    def __init__(self, position: _Optional[int] = ...) -> None: ...

class StreamsDeleteRequest(_message.Message):
    __slots__ = ("stream", "expected")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    stream: str
    expected: _event_pb2.ExpectedRevision
    def __init__(self, stream: _Optional[str] = ..., expected: _Optional[_Union[_event_pb2.ExpectedRevision, _Mapping]] = ...) -> None: ...

class StreamsDeleteResponse(_message.Message):
    __slots__ = ("position",)
    POSITION_FIELD_NUMBER: _ClassVar[int]
    position: int
    def __init__(self, position: _Optional[int] = ...) -> None: ...

class StreamsTombstoneRequest(_message.Message):
    __slots__ = ("stream", "expected")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    stream: str
    expected: _event_pb2.ExpectedRevision
    def __init__(self, stream: _Optional[str] = ..., expected: _Optional[_Union[_event_pb2.ExpectedRevision, _Mapping]] = ...) -> None: ...

class StreamsTombstoneResponse(_message.Message):
    __slots__ = ("position",)
    POSITION_FIELD_NUMBER: _ClassVar[int]
    position: int
    def __init__(self, position: _Optional[int] = ...) -> None: ...

class StreamsListEventTypesRequest(_message.Message):
    __slots__ = ("prefix", "page_size", "page_token")
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    prefix: str
    page_size: int
    page_token: str
    def __init__(self, prefix: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class StreamsListEventTypesResponse(_message.Message):
    __slots__ = ("types", "next_page_token")
    TYPES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    types: _containers.RepeatedCompositeFieldContainer[NamedCount]
    next_page_token: str
    def __init__(self, types: _Optional[_Iterable[_Union[NamedCount, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class NamedCount(_message.Message):
    __slots__ = ("name", "events")
    NAME_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    name: str
    events: int
    def __init__(self, name: _Optional[str] = ..., events: _Optional[int] = ...) -> None: ...

class DailyCount(_message.Message):
    __slots__ = ("day", "events")
    DAY_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    day: str
    events: int
    def __init__(self, day: _Optional[str] = ..., events: _Optional[int] = ...) -> None: ...

class StreamsGetStatisticsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StreamsGetStatisticsResponse(_message.Message):
    __slots__ = ("events", "types", "categories", "days", "events_of_other_types", "events_of_other_categories", "streams")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    TYPES_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_OF_OTHER_TYPES_FIELD_NUMBER: _ClassVar[int]
    EVENTS_OF_OTHER_CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    events: int
    types: _containers.RepeatedCompositeFieldContainer[NamedCount]
    categories: _containers.RepeatedCompositeFieldContainer[NamedCount]
    days: _containers.RepeatedCompositeFieldContainer[DailyCount]
    events_of_other_types: int
    events_of_other_categories: int
    streams: int
    def __init__(self, events: _Optional[int] = ..., types: _Optional[_Iterable[_Union[NamedCount, _Mapping]]] = ..., categories: _Optional[_Iterable[_Union[NamedCount, _Mapping]]] = ..., days: _Optional[_Iterable[_Union[DailyCount, _Mapping]]] = ..., events_of_other_types: _Optional[int] = ..., events_of_other_categories: _Optional[int] = ..., streams: _Optional[int] = ...) -> None: ...

class StreamsListRequest(_message.Message):
    __slots__ = ("prefix", "category", "page_size", "page_token", "include_system")
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    prefix: str
    category: str
    page_size: int
    page_token: str
    include_system: bool
    def __init__(self, prefix: _Optional[str] = ..., category: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., include_system: _Optional[bool] = ...) -> None: ...

class StreamsListResponse(_message.Message):
    __slots__ = ("streams", "next_page_token")
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    streams: _containers.RepeatedScalarFieldContainer[str]
    next_page_token: str
    def __init__(self, streams: _Optional[_Iterable[str]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
