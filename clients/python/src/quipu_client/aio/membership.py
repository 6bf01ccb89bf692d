"""Taking part in a consumer group.

Owns `AsyncMembership`, one call's worth of it. It does not reconnect: whoever uses it knows what it has in hand,
as a reactor does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from .. import proto, rpc
from ..delivery import GroupMessage, Nack, settle_to_wire
from ..errors import QuipuError
from .connection import AsyncConnection
from .transport import Exchange


class AsyncMembership:
    """A member of a group, as long as the context lasts. Iterate it for what it is told."""

    def __init__(self, connection: AsyncConnection, group: str, member: str, credits: int, silence: float) -> None:  # noqa: A002
        self._connection = connection
        self._join = proto.ConsumersConsumeRequest.Join(group=group, member=member, credits=credits)
        self._silence = silence
        self._call: Exchange[proto.ConsumersConsumeRequest, proto.ConsumersConsumeResponse] | None = None

    async def __aenter__(self) -> AsyncMembership:
        self._call = self._connection.exchange(rpc.CONSUME)
        await self._say(proto.ConsumersConsumeRequest(join=self._join))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.leave()

    def __aiter__(self) -> AsyncIterator[GroupMessage]:
        return self

    async def __anext__(self) -> GroupMessage:
        """What the member is told next; it ends after `finish`, once everything is settled.

        UNAVAILABLE when the connection breaks or the server is silent for too long, MEMBER_EXISTS when the name is
        taken, GROUP_NOT_FOUND when the group is deleted.
        """
        while True:
            wire = await self._open().next(self._silence)
            if wire is None:
                raise StopAsyncIteration
            if wire.deliveries or wire.settled or wire.not_settled:
                return GroupMessage.from_wire(wire)

    async def settle(self, ack: Sequence[int] = (), nack: Sequence[Nack] = ()) -> None:
        """Settle deliveries by their positions. They are durable when a later message says so."""
        await self._say(proto.ConsumersConsumeRequest(settle=settle_to_wire(ack, nack)))

    async def set_credits(self, credits: int) -> None:  # noqa: A002
        """Change how many events the member wants to have in flight; 0: no more for now."""
        await self._say(proto.ConsumersConsumeRequest(credits=credits))

    async def finish(self) -> None:
        """Say that nothing more will be settled. The iteration ends when what is in flight is settled."""
        await self._open().half_close()

    def leave(self) -> None:
        """Go away at once: what is in flight is delivered again."""
        if self._call is not None:
            self._call.close()

    async def _say(self, request: proto.ConsumersConsumeRequest) -> None:
        await self._open().send(request)

    def _open(self) -> Exchange[proto.ConsumersConsumeRequest, proto.ConsumersConsumeResponse]:
        if self._call is None:
            raise QuipuError.unavailable("the membership has not begun: enter it as a context")
        return self._call
