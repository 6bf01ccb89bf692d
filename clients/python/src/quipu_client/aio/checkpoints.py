"""How far named consumers have got, kept in the store."""

from __future__ import annotations

from collections.abc import AsyncIterator

from .. import proto, rpc
from ..checkpoint import ConsumerCheckpoint, ExpectedCheckpoint, WaitOutcome
from ..errors import QuipuError
from ..wire import seconds_to_wire
from .connection import AsyncConnection


class AsyncCheckpoints:
    """Positions under names, as durable as events."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def get(self, name: str) -> ConsumerCheckpoint | None:
        """The checkpoint of this name; none when there is none."""
        try:
            answer = await self._connection.call(rpc.CHECKPOINT_GET, proto.CheckpointsGetRequest(name=name))
        except QuipuError as error:
            if error.reason in ("CHECKPOINT_NOT_FOUND", "TENANT_NOT_FOUND"):
                return None
            raise
        return ConsumerCheckpoint.from_wire(answer.checkpoint)

    async def set(self, name: str, position: int, expected: ExpectedCheckpoint | None = None) -> ConsumerCheckpoint:
        """Set a checkpoint, forwards or backwards; durable before the answer.

        BEYOND_END when the position lies beyond the head, WRONG_CHECKPOINT when it is not where it was expected. One
        that is there already is left as it is, whatever is expected.
        """
        request = proto.CheckpointsSetRequest(
            name=name, position=position, expected=None if expected is None else expected.to_wire()
        )
        return ConsumerCheckpoint.from_wire((await self._connection.call(rpc.CHECKPOINT_SET, request)).checkpoint)

    async def list(self, prefix: str = "", *, page_size: int = 0) -> AsyncIterator[ConsumerCheckpoint]:
        """Checkpoints in the order of their names."""
        request = proto.CheckpointsListRequest(prefix=prefix, page_size=page_size)
        async for page in self._connection.pages(rpc.CHECKPOINT_LIST, request):
            for checkpoint in page.checkpoints:
                yield ConsumerCheckpoint.from_wire(checkpoint)

    async def delete(self, name: str) -> None:
        """Delete a checkpoint.

        CHECKPOINT_NOT_FOUND when there is none, which a repetition after a lost answer also meets.
        """
        await self._connection.call(rpc.CHECKPOINT_DELETE, proto.CheckpointsDeleteRequest(name=name))

    async def wait(self, name: str, position: int, timeout: float = 30.0) -> WaitOutcome:
        """Wait until a checkpoint has reached a position, such as that of an append, for at most so many seconds.

        10 minutes are the most. There need not be a checkpoint yet. A server that goes away meanwhile is asked
        again for all of the time.
        """
        request = proto.CheckpointsWaitRequest(name=name, position=position, timeout=seconds_to_wire(timeout))
        answer = await self._connection.call(rpc.CHECKPOINT_WAIT, request, wait=timeout)
        return WaitOutcome(answer.reached, answer.position if answer.HasField("position") else None)
