import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Document(_message.Message):
    __slots__ = ("type", "id", "data", "content_type", "position", "updated_at")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    type: str
    id: str
    data: bytes
    content_type: str
    position: int
    updated_at: _timestamp_pb2.Timestamp
    def __init__(self, type: _Optional[str] = ..., id: _Optional[str] = ..., data: _Optional[bytes] = ..., content_type: _Optional[str] = ..., position: _Optional[int] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class DocumentKey(_message.Message):
    __slots__ = ("type", "id")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    type: str
    id: str
    def __init__(self, type: _Optional[str] = ..., id: _Optional[str] = ...) -> None: ...

class ReadModelGeneration(_message.Message):
    __slots__ = ("generation", "position", "is_active", "updated_at")
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    IS_ACTIVE_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    generation: int
    position: int
    is_active: bool
    updated_at: _timestamp_pb2.Timestamp
    def __init__(self, generation: _Optional[int] = ..., position: _Optional[int] = ..., is_active: _Optional[bool] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ReadModelsWriteRequest(_message.Message):
    __slots__ = ("model", "generation", "expected_position", "position", "upserts", "deletes")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_POSITION_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    UPSERTS_FIELD_NUMBER: _ClassVar[int]
    DELETES_FIELD_NUMBER: _ClassVar[int]
    model: str
    generation: int
    expected_position: int
    position: int
    upserts: _containers.RepeatedCompositeFieldContainer[Document]
    deletes: _containers.RepeatedCompositeFieldContainer[DocumentKey]
    def __init__(self, model: _Optional[str] = ..., generation: _Optional[int] = ..., expected_position: _Optional[int] = ..., position: _Optional[int] = ..., upserts: _Optional[_Iterable[_Union[Document, _Mapping]]] = ..., deletes: _Optional[_Iterable[_Union[DocumentKey, _Mapping]]] = ...) -> None: ...

class ReadModelsWriteResponse(_message.Message):
    __slots__ = ("generation",)
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    generation: int
    def __init__(self, generation: _Optional[int] = ...) -> None: ...

class ReadModelsGetRequest(_message.Message):
    __slots__ = ("model", "type", "id", "generation")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    model: str
    type: str
    id: str
    generation: int
    def __init__(self, model: _Optional[str] = ..., type: _Optional[str] = ..., id: _Optional[str] = ..., generation: _Optional[int] = ...) -> None: ...

class ReadModelsGetResponse(_message.Message):
    __slots__ = ("document", "position")
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    document: Document
    position: int
    def __init__(self, document: _Optional[_Union[Document, _Mapping]] = ..., position: _Optional[int] = ...) -> None: ...

class ReadModelsListRequest(_message.Message):
    __slots__ = ("model", "type", "id_prefix", "page_size", "page_token", "offset", "generation")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ID_PREFIX_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    model: str
    type: str
    id_prefix: str
    page_size: int
    page_token: str
    offset: int
    generation: int
    def __init__(self, model: _Optional[str] = ..., type: _Optional[str] = ..., id_prefix: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., offset: _Optional[int] = ..., generation: _Optional[int] = ...) -> None: ...

class ReadModelsListResponse(_message.Message):
    __slots__ = ("documents", "next_page_token", "position")
    DOCUMENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    documents: _containers.RepeatedCompositeFieldContainer[Document]
    next_page_token: str
    position: int
    def __init__(self, documents: _Optional[_Iterable[_Union[Document, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., position: _Optional[int] = ...) -> None: ...

class ReadModelsDescribeRequest(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: str
    def __init__(self, model: _Optional[str] = ...) -> None: ...

class ReadModelsDescribeResponse(_message.Message):
    __slots__ = ("generations",)
    GENERATIONS_FIELD_NUMBER: _ClassVar[int]
    generations: _containers.RepeatedCompositeFieldContainer[ReadModelGeneration]
    def __init__(self, generations: _Optional[_Iterable[_Union[ReadModelGeneration, _Mapping]]] = ...) -> None: ...

class ReadModelsListModelsRequest(_message.Message):
    __slots__ = ("prefix", "page_size", "page_token")
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    prefix: str
    page_size: int
    page_token: str
    def __init__(self, prefix: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ReadModelsListModelsResponse(_message.Message):
    __slots__ = ("models", "next_page_token")
    MODELS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedScalarFieldContainer[str]
    next_page_token: str
    def __init__(self, models: _Optional[_Iterable[str]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ReadModelsBeginRequest(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: str
    def __init__(self, model: _Optional[str] = ...) -> None: ...

class ReadModelsBeginResponse(_message.Message):
    __slots__ = ("generation",)
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    generation: int
    def __init__(self, generation: _Optional[int] = ...) -> None: ...

class ReadModelsSwitchRequest(_message.Message):
    __slots__ = ("model", "generation", "expected_position")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_POSITION_FIELD_NUMBER: _ClassVar[int]
    model: str
    generation: int
    expected_position: int
    def __init__(self, model: _Optional[str] = ..., generation: _Optional[int] = ..., expected_position: _Optional[int] = ...) -> None: ...

class ReadModelsSwitchResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ReadModelsDeleteRequest(_message.Message):
    __slots__ = ("model", "generation")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    model: str
    generation: int
    def __init__(self, model: _Optional[str] = ..., generation: _Optional[int] = ...) -> None: ...

class ReadModelsDeleteResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
