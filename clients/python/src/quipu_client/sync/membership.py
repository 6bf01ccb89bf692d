# Made from ../aio by tools/unasync.py.
"""Taking part in a consumer group.

Owns `Membership`, one call's worth of it. It does not reconnect: whoever uses it knows what it has in hand,
as a reactor does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .. import proto, rpc
from ..delivery import GroupMessage, Nack, settle_to_wire
from ..errors import QuipuError
from .connection import Connection
from .transport import Exchange


class Membership:
    """A member of a group, as long as the context lasts. Iterate it for what it is told."""

    def __init__(self, connection: Connection, group: str, member: str, credits: int, silence: float) -> None:  # noqa: A002
        self._connection = connection
        self._join = proto.ConsumersConsumeRequest.Join(group=group, member=member, credits=credits)
        self._silence = silence
        self._call: Exchange[proto.ConsumersConsumeRequest, proto.ConsumersConsumeResponse] | None = None

    def __enter__(self) -> Membership:
        self._call = self._connection.exchange(rpc.CONSUME)
        self._say(proto.ConsumersConsumeRequest(join=self._join))
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def __iter__(self) -> Iterator[GroupMessage]:
        return self

    def __next__(self) -> GroupMessage:
        """What the member is told next; it ends after `finish`, once everything is settled.

        UNAVAILABLE when the connection breaks or the server is silent for too long, MEMBER_EXISTS when the name is
        taken, GROUP_NOT_FOUND when the group is deleted.
        """
        while True:
            wire = self._open().next(self._silence)
            if wire is None:
                raise StopIteration
            if wire.deliveries or wire.settled or wire.not_settled:
                return GroupMessage.from_wire(wire)

    def settle(self, ack: Sequence[int] = (), nack: Sequence[Nack] = ()) -> None:
        """Settle deliveries by their positions. They are durable when a later message says so."""
        self._say(proto.ConsumersConsumeRequest(settle=settle_to_wire(ack, nack)))

    def set_credits(self, credits: int) -> None:  # noqa: A002
        """Change how many events the member wants to have in flight; 0: no more for now."""
        self._say(proto.ConsumersConsumeRequest(credits=credits))

    def finish(self) -> None:
        """Say that nothing more will be settled. The iteration ends when what is in flight is settled."""
        self._open().half_close()

    def leave(self) -> None:
        """Go away at once: what is in flight is delivered again."""
        if self._call is not None:
            self._call.close()

    def _say(self, request: proto.ConsumersConsumeRequest) -> None:
        self._open().send(request)

    def _open(self) -> Exchange[proto.ConsumersConsumeRequest, proto.ConsumersConsumeResponse]:
        if self._call is None:
            raise QuipuError.unavailable("the membership has not begun: enter it as a context")
        return self._call
