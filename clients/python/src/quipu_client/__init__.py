"""The Python client of Quipu, a gRPC event store.

`AsyncClient` is for asyncio, `Client` blocks; what is built on them comes in both forms likewise.
"""

from . import proto
from .aggregate import Executed, Loaded, SnapshotEvery
from .aio.aggregate import AsyncAggregate
from .aio.client import AsyncClient
from .aio.membership import AsyncMembership
from .aio.projector import AsyncProjector, AsyncTx
from .aio.reactor import AsyncReactor
from .aio.reading import AsyncLogReading, AsyncStreamReading
from .aio.subscription import AsyncSubscription
from .appended import Appended, StreamAppend, Transacted
from .checkpoint import ConsumerCheckpoint, ExpectedCheckpoint, WaitOutcome
from .delivery import Delivery, GroupMessage, Nack, NackAction, NotSettled, NotSettledReason, ParkedEvent, Settled
from .desk import HandlerTime, Park, ReactorMetrics, Skip
from .errors import (
    BeyondEnd,
    Detail,
    EventIdConflict,
    GuardNotMet,
    LimitExceeded,
    MatchingEvent,
    NotFoldable,
    QuipuError,
    WrongCheckpoint,
    WrongExpectedRevision,
    WrongReadModelPosition,
)
from .event import NewEvent, RecordedEvent
from .expected import Expected
from .fold import Fold
from .group import ConsumerGroup, GroupSettings, GroupStart, Order
from .message import CaughtUp, Checkpoint, Events, FellBehind, Heartbeat, Message, Reconnected
from .query import Guard, Query, QueryItem
from .read_model import Document, DocumentKey, Generation, NewDocument
from .replayed import Replayed
from .retry import RetryPolicy
from .server_info import ServerInfo
from .snapshot import FoldedState, Snapshot, SnapshotInfo, SnapshotPolicy
from .stream import Statistics, StreamInfo, StreamMetadata
from .sync.aggregate import Aggregate
from .sync.client import Client
from .sync.membership import Membership
from .sync.projector import Projector, Tx
from .sync.reactor import Reactor
from .sync.reading import LogReading, StreamReading
from .sync.subscription import Subscription
from .upcasters import Upcasters, UpcastFailed, UpcastLoop

__all__ = [
    "Aggregate",
    "Appended",
    "AsyncAggregate",
    "AsyncClient",
    "AsyncLogReading",
    "AsyncMembership",
    "AsyncProjector",
    "AsyncReactor",
    "AsyncStreamReading",
    "AsyncSubscription",
    "AsyncTx",
    "BeyondEnd",
    "CaughtUp",
    "Checkpoint",
    "Client",
    "ConsumerCheckpoint",
    "ConsumerGroup",
    "Delivery",
    "Detail",
    "Document",
    "DocumentKey",
    "EventIdConflict",
    "Events",
    "Executed",
    "Expected",
    "ExpectedCheckpoint",
    "FellBehind",
    "Fold",
    "FoldedState",
    "Generation",
    "GroupMessage",
    "GroupSettings",
    "GroupStart",
    "Guard",
    "GuardNotMet",
    "HandlerTime",
    "Heartbeat",
    "LimitExceeded",
    "Loaded",
    "LogReading",
    "MatchingEvent",
    "Membership",
    "Message",
    "Nack",
    "NackAction",
    "NewDocument",
    "NewEvent",
    "NotFoldable",
    "NotSettled",
    "NotSettledReason",
    "Order",
    "Park",
    "ParkedEvent",
    "Projector",
    "Query",
    "QueryItem",
    "QuipuError",
    "Reactor",
    "ReactorMetrics",
    "Reconnected",
    "RecordedEvent",
    "Replayed",
    "RetryPolicy",
    "ServerInfo",
    "Settled",
    "Skip",
    "Snapshot",
    "SnapshotEvery",
    "SnapshotInfo",
    "SnapshotPolicy",
    "Statistics",
    "StreamAppend",
    "StreamInfo",
    "StreamMetadata",
    "StreamReading",
    "Subscription",
    "Transacted",
    "Tx",
    "UpcastFailed",
    "UpcastLoop",
    "Upcasters",
    "WaitOutcome",
    "WrongCheckpoint",
    "WrongExpectedRevision",
    "WrongReadModelPosition",
    "proto",
]
