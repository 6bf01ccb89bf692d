from . import event_pb2 as _event_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Query(_message.Message):
    __slots__ = ("items", "all")
    class All(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    ALL_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[QueryItem]
    all: Query.All
    def __init__(self, items: _Optional[_Iterable[_Union[QueryItem, _Mapping]]] = ..., all: _Optional[_Union[Query.All, _Mapping]] = ...) -> None: ...

class QueryItem(_message.Message):
    __slots__ = ("types", "tags", "categories", "stream_prefix", "correlation_id")
    TYPES_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    STREAM_PREFIX_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    types: _containers.RepeatedScalarFieldContainer[str]
    tags: _containers.RepeatedScalarFieldContainer[str]
    categories: _containers.RepeatedScalarFieldContainer[str]
    stream_prefix: str
    correlation_id: str
    def __init__(self, types: _Optional[_Iterable[str]] = ..., tags: _Optional[_Iterable[str]] = ..., categories: _Optional[_Iterable[str]] = ..., stream_prefix: _Optional[str] = ..., correlation_id: _Optional[str] = ...) -> None: ...

class Guard(_message.Message):
    __slots__ = ("stream", "none_match", "some_match", "checkpoint")
    class Stream(_message.Message):
        __slots__ = ("stream", "expected")
        STREAM_FIELD_NUMBER: _ClassVar[int]
        EXPECTED_FIELD_NUMBER: _ClassVar[int]
        stream: str
        expected: _event_pb2.ExpectedRevision
        def __init__(self, stream: _Optional[str] = ..., expected: _Optional[_Union[_event_pb2.ExpectedRevision, _Mapping]] = ...) -> None: ...
    class Match(_message.Message):
        __slots__ = ("query", "after_position")
        QUERY_FIELD_NUMBER: _ClassVar[int]
        AFTER_POSITION_FIELD_NUMBER: _ClassVar[int]
        query: Query
        after_position: int
        def __init__(self, query: _Optional[_Union[Query, _Mapping]] = ..., after_position: _Optional[int] = ...) -> None: ...
    class Checkpoint(_message.Message):
        __slots__ = ("name", "position")
        NAME_FIELD_NUMBER: _ClassVar[int]
        POSITION_FIELD_NUMBER: _ClassVar[int]
        name: str
        position: int
        def __init__(self, name: _Optional[str] = ..., position: _Optional[int] = ...) -> None: ...
    STREAM_FIELD_NUMBER: _ClassVar[int]
    NONE_MATCH_FIELD_NUMBER: _ClassVar[int]
    SOME_MATCH_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    stream: Guard.Stream
    none_match: Guard.Match
    some_match: Guard.Match
    checkpoint: Guard.Checkpoint
    def __init__(self, stream: _Optional[_Union[Guard.Stream, _Mapping]] = ..., none_match: _Optional[_Union[Guard.Match, _Mapping]] = ..., some_match: _Optional[_Union[Guard.Match, _Mapping]] = ..., checkpoint: _Optional[_Union[Guard.Checkpoint, _Mapping]] = ...) -> None: ...
