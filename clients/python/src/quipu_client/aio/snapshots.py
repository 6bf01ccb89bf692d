"""Folded states of streams: saved by clients, or made by the server."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from datetime import datetime

from .. import proto, rpc
from ..snapshot import FoldedState, Snapshot, SnapshotInfo, SnapshotPolicy
from ..wire import encode, time_from_wire, until_to_wire
from .connection import AsyncConnection


class AsyncSnapshots:
    """Snapshots spare a reader the beginning of a long stream. The last few of each stream are kept."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def save(
        self,
        stream: str,
        revision: int,
        data: object,
        *,
        content_type: str = "",
        metadata: Mapping[str, str] | None = None,
        schema_version: str = "",
    ) -> datetime:
        """Save the state as it is after the event at `revision`: bytes, or anything that has a JSON form.

        Returns the server's time. SNAPSHOT_AHEAD when the stream has not got that far, STREAM_NOT_FOUND when it has
        no event.
        """
        request = proto.SnapshotsSaveRequest(
            stream=stream,
            revision=revision,
            data=encode(data),
            content_type=content_type,
            metadata=metadata,
            schema_version=schema_version,
        )
        return time_from_wire((await self._connection.call(rpc.SNAPSHOT_SAVE, request)).saved_at)

    async def get(self, stream: str, *, at_or_before_revision: int | None = None) -> Snapshot:
        """The newest snapshot, or the newest at or before a revision. SNAPSHOT_NOT_FOUND when there is none."""
        request = proto.SnapshotsGetRequest(stream=stream, at_or_before_revision=at_or_before_revision)
        return Snapshot.from_wire((await self._connection.call(rpc.SNAPSHOT_GET, request)).snapshot)

    async def list(self, stream: str) -> builtins.list[SnapshotInfo]:
        """The snapshots of a stream, newest first, without their data."""
        answer = await self._connection.call(rpc.SNAPSHOT_LIST, proto.SnapshotsListRequest(stream=stream))
        return [SnapshotInfo.from_wire(info) for info in answer.snapshots]

    async def delete(self, stream: str, *, revision: int | None = None) -> int:
        """Delete one snapshot of a stream, or all; returns how many.

        SNAPSHOT_NOT_FOUND when there is none, which a repetition after a lost answer also meets.
        """
        request = proto.SnapshotsDeleteRequest(stream=stream, revision=revision)
        return (await self._connection.call(rpc.SNAPSHOT_DELETE, request)).deleted

    async def get_state(
        self,
        stream: str,
        *,
        revision: int | None = None,
        time: datetime | None = None,
        without_snapshot: bool = False,
    ) -> FoldedState:
        """The stream's state as the server folds it: its events' data as JSON merge patches, one over the other.

        As of now, of the event at `revision`, or of the last event recorded at `time` or before. NOT_FOLDABLE when
        a snapshot or an event is not JSON.
        """
        request = proto.SnapshotsGetStateRequest(stream=stream, revision=revision, without_snapshot=without_snapshot)
        if revision is None and time is not None:
            request.time.CopyFrom(until_to_wire(time))
        return FoldedState.from_wire(await self._connection.call(rpc.STATE_GET, request))

    async def set_policy(self, category: str, every_events: int) -> None:
        """Have the server save the state of each stream of a category after every so many events.

        The snapshots are the server's folds: not for categories whose aggregates save their own.
        """
        policy = proto.SnapshotPolicy(category=category, every_events=every_events)
        await self._connection.call(rpc.POLICY_SET, proto.SnapshotsSetPolicyRequest(policy=policy))

    async def list_policies(self) -> builtins.list[SnapshotPolicy]:
        """The policies, in the order of their categories."""
        answer = await self._connection.call(rpc.POLICY_LIST, proto.SnapshotsListPoliciesRequest())
        return [SnapshotPolicy(policy.category, policy.every_events) for policy in answer.policies]

    async def delete_policy(self, category: str) -> None:
        """Delete the policy of a category; what it has saved stays. POLICY_NOT_FOUND when there is none."""
        await self._connection.call(rpc.POLICY_DELETE, proto.SnapshotsDeletePolicyRequest(category=category))
