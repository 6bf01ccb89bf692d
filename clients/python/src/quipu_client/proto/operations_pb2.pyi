import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OperationsBackupRequest(_message.Message):
    __slots__ = ("held",)
    HELD_FIELD_NUMBER: _ClassVar[int]
    held: _containers.RepeatedCompositeFieldContainer[HeldSegment]
    def __init__(self, held: _Optional[_Iterable[_Union[HeldSegment, _Mapping]]] = ...) -> None: ...

class HeldSegment(_message.Message):
    __slots__ = ("number", "bytes", "hash")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    number: int
    bytes: int
    hash: bytes
    def __init__(self, number: _Optional[int] = ..., bytes: _Optional[int] = ..., hash: _Optional[bytes] = ...) -> None: ...

class OperationsBackupResponse(_message.Message):
    __slots__ = ("plan", "chunk", "manifest")
    PLAN_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    MANIFEST_FIELD_NUMBER: _ClassVar[int]
    plan: BackupManifest
    chunk: BackupChunk
    manifest: BackupManifest
    def __init__(self, plan: _Optional[_Union[BackupManifest, _Mapping]] = ..., chunk: _Optional[_Union[BackupChunk, _Mapping]] = ..., manifest: _Optional[_Union[BackupManifest, _Mapping]] = ...) -> None: ...

class BackupChunk(_message.Message):
    __slots__ = ("number", "offset", "data")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    number: int
    offset: int
    data: bytes
    def __init__(self, number: _Optional[int] = ..., offset: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class BackupManifest(_message.Message):
    __slots__ = ("log_id", "tenant", "format", "head", "slot", "last_recorded_at", "segments")
    LOG_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    LAST_RECORDED_AT_FIELD_NUMBER: _ClassVar[int]
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    log_id: str
    tenant: str
    format: int
    head: int
    slot: int
    last_recorded_at: _timestamp_pb2.Timestamp
    segments: _containers.RepeatedCompositeFieldContainer[BackupSegment]
    def __init__(self, log_id: _Optional[str] = ..., tenant: _Optional[str] = ..., format: _Optional[int] = ..., head: _Optional[int] = ..., slot: _Optional[int] = ..., last_recorded_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., segments: _Optional[_Iterable[_Union[BackupSegment, _Mapping]]] = ...) -> None: ...

class BackupSegment(_message.Message):
    __slots__ = ("number", "name", "bytes", "hash")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    number: int
    name: str
    bytes: int
    hash: bytes
    def __init__(self, number: _Optional[int] = ..., name: _Optional[str] = ..., bytes: _Optional[int] = ..., hash: _Optional[bytes] = ...) -> None: ...

class OperationsVerifyRequest(_message.Message):
    __slots__ = ("bytes_per_second",)
    BYTES_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    bytes_per_second: int
    def __init__(self, bytes_per_second: _Optional[int] = ...) -> None: ...

class OperationsVerifyResponse(_message.Message):
    __slots__ = ("progress", "findings")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    progress: VerifyProgress
    findings: VerifyFindings
    def __init__(self, progress: _Optional[_Union[VerifyProgress, _Mapping]] = ..., findings: _Optional[_Union[VerifyFindings, _Mapping]] = ...) -> None: ...

class VerifyProgress(_message.Message):
    __slots__ = ("bytes", "bytes_total", "events", "scrubbed")
    BYTES_FIELD_NUMBER: _ClassVar[int]
    BYTES_TOTAL_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    SCRUBBED_FIELD_NUMBER: _ClassVar[int]
    bytes: int
    bytes_total: int
    events: int
    scrubbed: _containers.RepeatedCompositeFieldContainer[Damage]
    def __init__(self, bytes: _Optional[int] = ..., bytes_total: _Optional[int] = ..., events: _Optional[int] = ..., scrubbed: _Optional[_Iterable[_Union[Damage, _Mapping]]] = ...) -> None: ...

class VerifyFindings(_message.Message):
    __slots__ = ("head", "segments", "blocks", "events", "control_records", "bytes", "damage")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    BLOCKS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    CONTROL_RECORDS_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    DAMAGE_FIELD_NUMBER: _ClassVar[int]
    head: int
    segments: int
    blocks: int
    events: int
    control_records: int
    bytes: int
    damage: _containers.RepeatedCompositeFieldContainer[Damage]
    def __init__(self, head: _Optional[int] = ..., segments: _Optional[int] = ..., blocks: _Optional[int] = ..., events: _Optional[int] = ..., control_records: _Optional[int] = ..., bytes: _Optional[int] = ..., damage: _Optional[_Iterable[_Union[Damage, _Mapping]]] = ...) -> None: ...

class Damage(_message.Message):
    __slots__ = ("file", "offset", "what")
    FILE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    WHAT_FIELD_NUMBER: _ClassVar[int]
    file: str
    offset: int
    what: str
    def __init__(self, file: _Optional[str] = ..., offset: _Optional[int] = ..., what: _Optional[str] = ...) -> None: ...
