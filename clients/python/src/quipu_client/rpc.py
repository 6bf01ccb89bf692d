"""The methods of the server: where each is, what it takes and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.message import Message

from . import proto

Req = TypeVar("Req", bound=Message)
Res = TypeVar("Res", bound=Message)
_Res_co = TypeVar("_Res_co", bound=Message, covariant=True)


@dataclass(frozen=True)
class Method(Generic[Req, _Res_co]):
    """One method. How many messages go each way is known to whoever calls it."""

    path: str
    request: type[Req]
    response: type[_Res_co]


def _of(service: str, name: str, request: type[Req], response: type[Res]) -> Method[Req, Res]:
    return Method(f"/quipu.v1.{service}/{name}", request, response)


APPEND = _of("EventStore", "Append", proto.AppendRequest, proto.AppendResponse)
TRANSACT = _of("EventStore", "Transact", proto.TransactRequest, proto.TransactResponse)
READ_STREAM = _of("EventStore", "ReadStream", proto.ReadStreamRequest, proto.ReadStreamResponse)
READ_ALL = _of("EventStore", "ReadAll", proto.ReadAllRequest, proto.ReadAllResponse)
SUBSCRIBE_ALL = _of("EventStore", "SubscribeAll", proto.SubscribeAllRequest, proto.SubscribeAllResponse)
SUBSCRIBE_STREAM = _of("EventStore", "SubscribeStream", proto.SubscribeStreamRequest, proto.SubscribeStreamResponse)
GET_EVENT = _of("EventStore", "GetEvent", proto.GetEventRequest, proto.GetEventResponse)

SERVER_INFO = _of("ServerInfo", "Get", proto.ServerInfoGetRequest, proto.ServerInfoGetResponse)

SNAPSHOT_SAVE = _of("Snapshots", "Save", proto.SnapshotsSaveRequest, proto.SnapshotsSaveResponse)
SNAPSHOT_GET = _of("Snapshots", "Get", proto.SnapshotsGetRequest, proto.SnapshotsGetResponse)
SNAPSHOT_LIST = _of("Snapshots", "List", proto.SnapshotsListRequest, proto.SnapshotsListResponse)
SNAPSHOT_DELETE = _of("Snapshots", "Delete", proto.SnapshotsDeleteRequest, proto.SnapshotsDeleteResponse)
STATE_GET = _of("Snapshots", "GetState", proto.SnapshotsGetStateRequest, proto.SnapshotsGetStateResponse)
POLICY_SET = _of("Snapshots", "SetPolicy", proto.SnapshotsSetPolicyRequest, proto.SnapshotsSetPolicyResponse)
POLICY_LIST = _of("Snapshots", "ListPolicies", proto.SnapshotsListPoliciesRequest, proto.SnapshotsListPoliciesResponse)
POLICY_DELETE = _of(
    "Snapshots", "DeletePolicy", proto.SnapshotsDeletePolicyRequest, proto.SnapshotsDeletePolicyResponse
)

STREAM_GET = _of("Streams", "Get", proto.StreamsGetRequest, proto.StreamsGetResponse)
STREAM_LIST = _of("Streams", "List", proto.StreamsListRequest, proto.StreamsListResponse)
STREAM_SET_METADATA = _of("Streams", "SetMetadata", proto.StreamsSetMetadataRequest, proto.StreamsSetMetadataResponse)
STREAM_DELETE = _of("Streams", "Delete", proto.StreamsDeleteRequest, proto.StreamsDeleteResponse)
STREAM_TOMBSTONE = _of("Streams", "Tombstone", proto.StreamsTombstoneRequest, proto.StreamsTombstoneResponse)
EVENT_TYPE_LIST = _of(
    "Streams", "ListEventTypes", proto.StreamsListEventTypesRequest, proto.StreamsListEventTypesResponse
)
STATISTICS = _of("Streams", "GetStatistics", proto.StreamsGetStatisticsRequest, proto.StreamsGetStatisticsResponse)

CHECKPOINT_GET = _of("Checkpoints", "Get", proto.CheckpointsGetRequest, proto.CheckpointsGetResponse)
CHECKPOINT_SET = _of("Checkpoints", "Set", proto.CheckpointsSetRequest, proto.CheckpointsSetResponse)
CHECKPOINT_LIST = _of("Checkpoints", "List", proto.CheckpointsListRequest, proto.CheckpointsListResponse)
CHECKPOINT_DELETE = _of("Checkpoints", "Delete", proto.CheckpointsDeleteRequest, proto.CheckpointsDeleteResponse)
CHECKPOINT_WAIT = _of("Checkpoints", "Wait", proto.CheckpointsWaitRequest, proto.CheckpointsWaitResponse)

GROUP_CREATE = _of("Consumers", "Create", proto.ConsumersCreateRequest, proto.ConsumersCreateResponse)
GROUP_UPDATE = _of("Consumers", "Update", proto.ConsumersUpdateRequest, proto.ConsumersUpdateResponse)
GROUP_DELETE = _of("Consumers", "Delete", proto.ConsumersDeleteRequest, proto.ConsumersDeleteResponse)
GROUP_GET = _of("Consumers", "Get", proto.ConsumersGetRequest, proto.ConsumersGetResponse)
GROUP_LIST = _of("Consumers", "List", proto.ConsumersListRequest, proto.ConsumersListResponse)
GROUP_PAUSE = _of("Consumers", "Pause", proto.ConsumersPauseRequest, proto.ConsumersPauseResponse)
GROUP_RESUME = _of("Consumers", "Resume", proto.ConsumersResumeRequest, proto.ConsumersResumeResponse)
GROUP_RESET = _of("Consumers", "Reset", proto.ConsumersResetRequest, proto.ConsumersResetResponse)
CONSUME = _of("Consumers", "Consume", proto.ConsumersConsumeRequest, proto.ConsumersConsumeResponse)
FETCH = _of("Consumers", "Fetch", proto.ConsumersFetchRequest, proto.ConsumersFetchResponse)
ACK = _of("Consumers", "Ack", proto.ConsumersAckRequest, proto.ConsumersAckResponse)
PARKED_LIST = _of("Consumers", "ListParked", proto.ConsumersListParkedRequest, proto.ConsumersListParkedResponse)
PARKED_REPLAY = _of(
    "Consumers", "ReplayParked", proto.ConsumersReplayParkedRequest, proto.ConsumersReplayParkedResponse
)
PARKED_DISCARD = _of(
    "Consumers", "DiscardParked", proto.ConsumersDiscardParkedRequest, proto.ConsumersDiscardParkedResponse
)

MODEL_WRITE = _of("ReadModels", "Write", proto.ReadModelsWriteRequest, proto.ReadModelsWriteResponse)
MODEL_GET = _of("ReadModels", "Get", proto.ReadModelsGetRequest, proto.ReadModelsGetResponse)
MODEL_LIST = _of("ReadModels", "List", proto.ReadModelsListRequest, proto.ReadModelsListResponse)
MODEL_DESCRIBE = _of("ReadModels", "Describe", proto.ReadModelsDescribeRequest, proto.ReadModelsDescribeResponse)
MODEL_LIST_MODELS = _of(
    "ReadModels", "ListModels", proto.ReadModelsListModelsRequest, proto.ReadModelsListModelsResponse
)
MODEL_BEGIN = _of("ReadModels", "Begin", proto.ReadModelsBeginRequest, proto.ReadModelsBeginResponse)
MODEL_SWITCH = _of("ReadModels", "Switch", proto.ReadModelsSwitchRequest, proto.ReadModelsSwitchResponse)
MODEL_DELETE = _of("ReadModels", "Delete", proto.ReadModelsDeleteRequest, proto.ReadModelsDeleteResponse)
