"""Consumer groups: made, watched and mended, and taken part in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from .. import proto, rpc
from ..delivery import Delivery, Nack, ParkedEvent, Settled, settle_to_wire
from ..group import ConsumerGroup, GroupSettings, GroupStart
from ..wire import seconds_to_wire
from .connection import AsyncConnection
from .membership import AsyncMembership


class AsyncConsumers:
    """Groups whose members share the work of one reactor. Every call raises GROUP_NOT_FOUND when there is none."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def create(
        self, name: str, settings: GroupSettings | None = None, start: GroupStart | None = None
    ) -> ConsumerGroup:
        """Make a group; again, it changes nothing. GROUP_EXISTS when there is one with other settings."""
        request = proto.ConsumersCreateRequest(
            name=name,
            settings=(settings or GroupSettings()).to_wire(),
            start=(start or GroupStart.start()).to_wire(),
        )
        return ConsumerGroup.from_wire((await self._connection.call(rpc.GROUP_CREATE, request)).group)

    async def update(self, name: str, settings: GroupSettings) -> ConsumerGroup:
        """Change all settings of a group but its query and order, which must be as they were."""
        request = proto.ConsumersUpdateRequest(name=name, settings=settings.to_wire())
        return ConsumerGroup.from_wire((await self._connection.call(rpc.GROUP_UPDATE, request)).group)

    async def delete(self, name: str) -> None:
        """Delete a group with what it has parked; its members' calls end with GROUP_NOT_FOUND."""
        await self._connection.call(rpc.GROUP_DELETE, proto.ConsumersDeleteRequest(name=name))

    async def get(self, name: str) -> ConsumerGroup:
        """How a group is doing."""
        answer = await self._connection.call(rpc.GROUP_GET, proto.ConsumersGetRequest(name=name))
        return ConsumerGroup.from_wire(answer.group)

    async def list(self, prefix: str = "", *, page_size: int = 0) -> AsyncIterator[ConsumerGroup]:
        """Groups in the order of their names."""
        request = proto.ConsumersListRequest(prefix=prefix, page_size=page_size)
        async for page in self._connection.pages(rpc.GROUP_LIST, request):
            for group in page.groups:
                yield ConsumerGroup.from_wire(group)

    async def pause(self, name: str) -> None:
        """Stop deliveries. What is in flight may still be settled."""
        await self._connection.call(rpc.GROUP_PAUSE, proto.ConsumersPauseRequest(name=name))

    async def resume(self, name: str) -> None:
        """Go on with deliveries."""
        await self._connection.call(rpc.GROUP_RESUME, proto.ConsumersResumeRequest(name=name))

    async def reset(self, name: str, start: GroupStart) -> int:
        """Begin anew at another place; what is parked stays. Returns up to where everything counts as settled."""
        request = proto.ConsumersResetRequest(name=name, start=start.to_wire())
        return (await self._connection.call(rpc.GROUP_RESET, request)).settled_position

    def consume(self, group: str, member: str, *, credits: int = 100, silence: float = 45.0) -> AsyncMembership:  # noqa: A002
        """Take part in a group with at most so many events in flight, as a context.

        MEMBER_EXISTS when the group has a member of this name. `silence`: seconds after which a silent server is
        given up.
        """
        return AsyncMembership(self._connection, group, member, credits, silence)

    async def fetch(
        self, group: str, member: str, *, max_events: int = 100, timeout: float = 10.0
    ) -> Sequence[Delivery]:
        """Ask for deliveries, without a membership that lasts; empty when none came within so many seconds."""
        request = proto.ConsumersFetchRequest(
            group=group, member=member, max=max_events, timeout=seconds_to_wire(timeout)
        )
        answer = await self._connection.call(rpc.FETCH, request, wait=timeout)
        return [Delivery.from_wire(delivery) for delivery in answer.deliveries]

    async def ack(self, group: str, member: str, ack: Sequence[int] = (), nack: Sequence[Nack] = ()) -> Settled:
        """Settle deliveries of `fetch` by their positions; durable before the answer.

        A repetition after a lost answer finds them settled already.
        """
        settle = settle_to_wire(ack, nack)
        request = proto.ConsumersAckRequest(group=group, member=member, ack=settle.ack, nack=settle.nack)
        return Settled.from_wire(await self._connection.call(rpc.ACK, request))

    async def list_parked(self, group: str, *, page_size: int = 0) -> AsyncIterator[ParkedEvent]:
        """Parked events in the order of the log."""
        request = proto.ConsumersListParkedRequest(group=group, page_size=page_size)
        async for page in self._connection.pages(rpc.PARKED_LIST, request):
            for parked in page.events:
                yield ParkedEvent.from_wire(parked)

    async def replay_parked(self, group: str, positions: Sequence[int] = ()) -> int:
        """Have parked events delivered again, with their tries counted anew; all when none is named.

        Returns how many. NOT_PARKED when one of them is not parked; then nothing is replayed. Not repeated when the
        server is unavailable: what the first try did is not known.
        """
        request = proto.ConsumersReplayParkedRequest(group=group, positions=positions)
        return (await self._connection.call(rpc.PARKED_REPLAY, request, once=True)).replayed

    async def discard_parked(self, group: str, positions: Sequence[int] = ()) -> int:
        """Forget parked events; all when none is named. Returns how many. Fails as `replay_parked` does."""
        request = proto.ConsumersDiscardParkedRequest(group=group, positions=positions)
        return (await self._connection.call(rpc.PARKED_DISCARD, request, once=True)).discarded
