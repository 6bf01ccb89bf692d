import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from . import event_pb2 as _event_pb2
from . import query_pb2 as _query_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class NackAction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NACK_ACTION_UNSPECIFIED: _ClassVar[NackAction]
    NACK_ACTION_RETRY: _ClassVar[NackAction]
    NACK_ACTION_PARK: _ClassVar[NackAction]
    NACK_ACTION_SKIP: _ClassVar[NackAction]

class NotSettledReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NOT_SETTLED_REASON_UNSPECIFIED: _ClassVar[NotSettledReason]
    NOT_SETTLED_REASON_NOT_DELIVERED: _ClassVar[NotSettledReason]
    NOT_SETTLED_REASON_ALREADY_SETTLED: _ClassVar[NotSettledReason]
    NOT_SETTLED_REASON_TOO_LATE: _ClassVar[NotSettledReason]
NACK_ACTION_UNSPECIFIED: NackAction
NACK_ACTION_RETRY: NackAction
NACK_ACTION_PARK: NackAction
NACK_ACTION_SKIP: NackAction
NOT_SETTLED_REASON_UNSPECIFIED: NotSettledReason
NOT_SETTLED_REASON_NOT_DELIVERED: NotSettledReason
NOT_SETTLED_REASON_ALREADY_SETTLED: NotSettledReason
NOT_SETTLED_REASON_TOO_LATE: NotSettledReason

class ConsumerGroupSettings(_message.Message):
    __slots__ = ("query", "by_stream", "by_tag_key", "unordered", "ack_timeout", "max_tries", "backoff", "backoff_max", "max_outstanding")
    class ByStream(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    class Unordered(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    QUERY_FIELD_NUMBER: _ClassVar[int]
    BY_STREAM_FIELD_NUMBER: _ClassVar[int]
    BY_TAG_KEY_FIELD_NUMBER: _ClassVar[int]
    UNORDERED_FIELD_NUMBER: _ClassVar[int]
    ACK_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    MAX_TRIES_FIELD_NUMBER: _ClassVar[int]
    BACKOFF_FIELD_NUMBER: _ClassVar[int]
    BACKOFF_MAX_FIELD_NUMBER: _ClassVar[int]
    MAX_OUTSTANDING_FIELD_NUMBER: _ClassVar[int]
    query: _query_pb2.Query
    by_stream: ConsumerGroupSettings.ByStream
    by_tag_key: str
    unordered: ConsumerGroupSettings.Unordered
    ack_timeout: _duration_pb2.Duration
    max_tries: int
    backoff: _duration_pb2.Duration
    backoff_max: _duration_pb2.Duration
    max_outstanding: int
    def __init__(self, query: _Optional[_Union[_query_pb2.Query, _Mapping]] = ..., by_stream: _Optional[_Union[ConsumerGroupSettings.ByStream, _Mapping]] = ..., by_tag_key: _Optional[str] = ..., unordered: _Optional[_Union[ConsumerGroupSettings.Unordered, _Mapping]] = ..., ack_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_tries: _Optional[int] = ..., backoff: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., backoff_max: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_outstanding: _Optional[int] = ...) -> None: ...

class ConsumerGroupStart(_message.Message):
    __slots__ = ("start", "end", "after_position", "from_time")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    AFTER_POSITION_FIELD_NUMBER: _ClassVar[int]
    FROM_TIME_FIELD_NUMBER: _ClassVar[int]
    start: _event_pb2.Start
    end: _event_pb2.End
    after_position: int
    from_time: _timestamp_pb2.Timestamp
    def __init__(self, start: _Optional[_Union[_event_pb2.Start, _Mapping]] = ..., end: _Optional[_Union[_event_pb2.End, _Mapping]] = ..., after_position: _Optional[int] = ..., from_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ConsumerGroup(_message.Message):
    __slots__ = ("name", "settings", "created_at", "is_paused", "settled_position", "read_position", "head", "outstanding", "in_flight", "retrying", "parked", "oldest_unsettled", "members", "counts")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    IS_PAUSED_FIELD_NUMBER: _ClassVar[int]
    SETTLED_POSITION_FIELD_NUMBER: _ClassVar[int]
    READ_POSITION_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    OUTSTANDING_FIELD_NUMBER: _ClassVar[int]
    IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    RETRYING_FIELD_NUMBER: _ClassVar[int]
    PARKED_FIELD_NUMBER: _ClassVar[int]
    OLDEST_UNSETTLED_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    name: str
    settings: ConsumerGroupSettings
    created_at: _timestamp_pb2.Timestamp
    is_paused: bool
    settled_position: int
    read_position: int
    head: int
    outstanding: int
    in_flight: int
    retrying: int
    parked: int
    oldest_unsettled: OldestUnsettled
    members: _containers.RepeatedCompositeFieldContainer[ConsumerGroupMember]
    counts: ConsumerGroupCounts
    def __init__(self, name: _Optional[str] = ..., settings: _Optional[_Union[ConsumerGroupSettings, _Mapping]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., is_paused: _Optional[bool] = ..., settled_position: _Optional[int] = ..., read_position: _Optional[int] = ..., head: _Optional[int] = ..., outstanding: _Optional[int] = ..., in_flight: _Optional[int] = ..., retrying: _Optional[int] = ..., parked: _Optional[int] = ..., oldest_unsettled: _Optional[_Union[OldestUnsettled, _Mapping]] = ..., members: _Optional[_Iterable[_Union[ConsumerGroupMember, _Mapping]]] = ..., counts: _Optional[_Union[ConsumerGroupCounts, _Mapping]] = ...) -> None: ...

class OldestUnsettled(_message.Message):
    __slots__ = ("position", "recorded_at", "tries")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    RECORDED_AT_FIELD_NUMBER: _ClassVar[int]
    TRIES_FIELD_NUMBER: _ClassVar[int]
    position: int
    recorded_at: _timestamp_pb2.Timestamp
    tries: int
    def __init__(self, position: _Optional[int] = ..., recorded_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., tries: _Optional[int] = ...) -> None: ...

class ConsumerGroupMember(_message.Message):
    __slots__ = ("name", "credits", "in_flight")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CREDITS_FIELD_NUMBER: _ClassVar[int]
    IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    name: str
    credits: int
    in_flight: int
    def __init__(self, name: _Optional[str] = ..., credits: _Optional[int] = ..., in_flight: _Optional[int] = ...) -> None: ...

class ConsumerGroupCounts(_message.Message):
    __slots__ = ("delivered", "acknowledged", "skipped", "retried", "parked")
    DELIVERED_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGED_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    RETRIED_FIELD_NUMBER: _ClassVar[int]
    PARKED_FIELD_NUMBER: _ClassVar[int]
    delivered: int
    acknowledged: int
    skipped: int
    retried: int
    parked: int
    def __init__(self, delivered: _Optional[int] = ..., acknowledged: _Optional[int] = ..., skipped: _Optional[int] = ..., retried: _Optional[int] = ..., parked: _Optional[int] = ...) -> None: ...

class ConsumersCreateRequest(_message.Message):
    __slots__ = ("name", "settings", "start")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    name: str
    settings: ConsumerGroupSettings
    start: ConsumerGroupStart
    def __init__(self, name: _Optional[str] = ..., settings: _Optional[_Union[ConsumerGroupSettings, _Mapping]] = ..., start: _Optional[_Union[ConsumerGroupStart, _Mapping]] = ...) -> None: ...

class ConsumersCreateResponse(_message.Message):
    __slots__ = ("group",)
    GROUP_FIELD_NUMBER: _ClassVar[int]
    group: ConsumerGroup
    def __init__(self, group: _Optional[_Union[ConsumerGroup, _Mapping]] = ...) -> None: ...

class ConsumersUpdateRequest(_message.Message):
    __slots__ = ("name", "settings")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    name: str
    settings: ConsumerGroupSettings
    def __init__(self, name: _Optional[str] = ..., settings: _Optional[_Union[ConsumerGroupSettings, _Mapping]] = ...) -> None: ...

class ConsumersUpdateResponse(_message.Message):
    __slots__ = ("group",)
    GROUP_FIELD_NUMBER: _ClassVar[int]
    group: ConsumerGroup
    def __init__(self, group: _Optional[_Union[ConsumerGroup, _Mapping]] = ...) -> None: ...

class ConsumersDeleteRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ConsumersDeleteResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ConsumersGetRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ConsumersGetResponse(_message.Message):
    __slots__ = ("group",)
    GROUP_FIELD_NUMBER: _ClassVar[int]
    group: ConsumerGroup
    def __init__(self, group: _Optional[_Union[ConsumerGroup, _Mapping]] = ...) -> None: ...

class ConsumersListRequest(_message.Message):
    __slots__ = ("prefix", "page_size", "page_token")
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    prefix: str
    page_size: int
    page_token: str
    def __init__(self, prefix: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ConsumersListResponse(_message.Message):
    __slots__ = ("groups", "next_page_token")
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    groups: _containers.RepeatedCompositeFieldContainer[ConsumerGroup]
    next_page_token: str
    def __init__(self, groups: _Optional[_Iterable[_Union[ConsumerGroup, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ConsumersPauseRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ConsumersPauseResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ConsumersResumeRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ConsumersResumeResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ConsumersResetRequest(_message.Message):
    __slots__ = ("name", "start")
    NAME_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    name: str
    start: ConsumerGroupStart
    def __init__(self, name: _Optional[str] = ..., start: _Optional[_Union[ConsumerGroupStart, _Mapping]] = ...) -> None: ...

class ConsumersResetResponse(_message.Message):
    __slots__ = ("settled_position",)
    SETTLED_POSITION_FIELD_NUMBER: _ClassVar[int]
    settled_position: int
    def __init__(self, settled_position: _Optional[int] = ...) -> None: ...

class ConsumersConsumeRequest(_message.Message):
    __slots__ = ("join", "settle", "credits")
    class Join(_message.Message):
        __slots__ = ("group", "member", "credits")
        GROUP_FIELD_NUMBER: _ClassVar[int]
        MEMBER_FIELD_NUMBER: _ClassVar[int]
        CREDITS_FIELD_NUMBER: _ClassVar[int]
        group: str
        member: str
        credits: int
        def __init__(self, group: _Optional[str] = ..., member: _Optional[str] = ..., credits: _Optional[int] = ...) -> None: ...
    JOIN_FIELD_NUMBER: _ClassVar[int]
    SETTLE_FIELD_NUMBER: _ClassVar[int]
    CREDITS_FIELD_NUMBER: _ClassVar[int]
    join: ConsumersConsumeRequest.Join
    settle: Settle
    credits: int
    def __init__(self, join: _Optional[_Union[ConsumersConsumeRequest.Join, _Mapping]] = ..., settle: _Optional[_Union[Settle, _Mapping]] = ..., credits: _Optional[int] = ...) -> None: ...

class Settle(_message.Message):
    __slots__ = ("ack", "nack")
    ACK_FIELD_NUMBER: _ClassVar[int]
    NACK_FIELD_NUMBER: _ClassVar[int]
    ack: _containers.RepeatedScalarFieldContainer[int]
    nack: _containers.RepeatedCompositeFieldContainer[Nack]
    def __init__(self, ack: _Optional[_Iterable[int]] = ..., nack: _Optional[_Iterable[_Union[Nack, _Mapping]]] = ...) -> None: ...

class Nack(_message.Message):
    __slots__ = ("position", "action", "reason", "delay")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DELAY_FIELD_NUMBER: _ClassVar[int]
    position: int
    action: NackAction
    reason: str
    delay: _duration_pb2.Duration
    def __init__(self, position: _Optional[int] = ..., action: _Optional[_Union[NackAction, str]] = ..., reason: _Optional[str] = ..., delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ConsumersConsumeResponse(_message.Message):
    __slots__ = ("deliveries", "settled", "not_settled")
    DELIVERIES_FIELD_NUMBER: _ClassVar[int]
    SETTLED_FIELD_NUMBER: _ClassVar[int]
    NOT_SETTLED_FIELD_NUMBER: _ClassVar[int]
    deliveries: _containers.RepeatedCompositeFieldContainer[Delivery]
    settled: _containers.RepeatedScalarFieldContainer[int]
    not_settled: _containers.RepeatedCompositeFieldContainer[NotSettled]
    def __init__(self, deliveries: _Optional[_Iterable[_Union[Delivery, _Mapping]]] = ..., settled: _Optional[_Iterable[int]] = ..., not_settled: _Optional[_Iterable[_Union[NotSettled, _Mapping]]] = ...) -> None: ...

class Delivery(_message.Message):
    __slots__ = ("event", "try_number")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    TRY_NUMBER_FIELD_NUMBER: _ClassVar[int]
    event: _event_pb2.RecordedEvent
    try_number: int
    def __init__(self, event: _Optional[_Union[_event_pb2.RecordedEvent, _Mapping]] = ..., try_number: _Optional[int] = ...) -> None: ...

class NotSettled(_message.Message):
    __slots__ = ("position", "reason")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    position: int
    reason: NotSettledReason
    def __init__(self, position: _Optional[int] = ..., reason: _Optional[_Union[NotSettledReason, str]] = ...) -> None: ...

class ConsumersFetchRequest(_message.Message):
    __slots__ = ("group", "member", "max", "timeout")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    group: str
    member: str
    max: int
    timeout: _duration_pb2.Duration
    def __init__(self, group: _Optional[str] = ..., member: _Optional[str] = ..., max: _Optional[int] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ConsumersFetchResponse(_message.Message):
    __slots__ = ("deliveries",)
    DELIVERIES_FIELD_NUMBER: _ClassVar[int]
    deliveries: _containers.RepeatedCompositeFieldContainer[Delivery]
    def __init__(self, deliveries: _Optional[_Iterable[_Union[Delivery, _Mapping]]] = ...) -> None: ...

class ConsumersAckRequest(_message.Message):
    __slots__ = ("group", "member", "ack", "nack")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    NACK_FIELD_NUMBER: _ClassVar[int]
    group: str
    member: str
    ack: _containers.RepeatedScalarFieldContainer[int]
    nack: _containers.RepeatedCompositeFieldContainer[Nack]
    def __init__(self, group: _Optional[str] = ..., member: _Optional[str] = ..., ack: _Optional[_Iterable[int]] = ..., nack: _Optional[_Iterable[_Union[Nack, _Mapping]]] = ...) -> None: ...

class ConsumersAckResponse(_message.Message):
    __slots__ = ("settled", "not_settled")
    SETTLED_FIELD_NUMBER: _ClassVar[int]
    NOT_SETTLED_FIELD_NUMBER: _ClassVar[int]
    settled: _containers.RepeatedScalarFieldContainer[int]
    not_settled: _containers.RepeatedCompositeFieldContainer[NotSettled]
    def __init__(self, settled: _Optional[_Iterable[int]] = ..., not_settled: _Optional[_Iterable[_Union[NotSettled, _Mapping]]] = ...) -> None: ...

class ConsumersListParkedRequest(_message.Message):
    __slots__ = ("group", "page_size", "page_token")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    group: str
    page_size: int
    page_token: str
    def __init__(self, group: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ConsumersListParkedResponse(_message.Message):
    __slots__ = ("events", "next_page_token")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[ParkedEvent]
    next_page_token: str
    def __init__(self, events: _Optional[_Iterable[_Union[ParkedEvent, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ParkedEvent(_message.Message):
    __slots__ = ("event", "reason", "tries", "parked_at")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TRIES_FIELD_NUMBER: _ClassVar[int]
    PARKED_AT_FIELD_NUMBER: _ClassVar[int]
    event: _event_pb2.RecordedEvent
    reason: str
    tries: int
    parked_at: _timestamp_pb2.Timestamp
    def __init__(self, event: _Optional[_Union[_event_pb2.RecordedEvent, _Mapping]] = ..., reason: _Optional[str] = ..., tries: _Optional[int] = ..., parked_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ConsumersReplayParkedRequest(_message.Message):
    __slots__ = ("group", "positions")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    group: str
    positions: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, group: _Optional[str] = ..., positions: _Optional[_Iterable[int]] = ...) -> None: ...

class ConsumersReplayParkedResponse(_message.Message):
    __slots__ = ("replayed",)
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    replayed: int
    def __init__(self, replayed: _Optional[int] = ...) -> None: ...

class ConsumersDiscardParkedRequest(_message.Message):
    __slots__ = ("group", "positions")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    group: str
    positions: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, group: _Optional[str] = ..., positions: _Optional[_Iterable[int]] = ...) -> None: ...

class ConsumersDiscardParkedResponse(_message.Message):
    __slots__ = ("discarded",)
    DISCARDED_FIELD_NUMBER: _ClassVar[int]
    discarded: int
    def __init__(self, discarded: _Optional[int] = ...) -> None: ...
