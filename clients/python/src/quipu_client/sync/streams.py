# Made from ../aio by tools/unasync.py.
"""What is known of streams, and the beginnings and ends of their lives."""

from __future__ import annotations

from collections.abc import Iterator

from .. import proto, rpc
from ..errors import QuipuError
from ..expected import Expected
from ..stream import Statistics, StreamInfo, StreamMetadata
from .connection import Connection

ABSENT = frozenset({"STREAM_NOT_FOUND", "STREAM_DELETED", "STREAM_TOMBSTONED", "TENANT_NOT_FOUND"})
"""Why a reader finds nothing under a stream's name."""


class Streams:
    """Looks streams up, hides their events, and ends them; the log keeps everything."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, stream: str) -> StreamInfo:
        """What is known of one stream. STREAM_NOT_FOUND when it has neither an event nor metadata."""
        answer = self._connection.call(rpc.STREAM_GET, proto.StreamsGetRequest(stream=stream))
        return StreamInfo.from_wire(answer.stream)

    def find(self, stream: str) -> StreamInfo | None:
        """What `get` gives, and none when there is no such stream or it was deleted."""
        try:
            return self.get(stream)
        except QuipuError as error:
            if error.reason in ABSENT:
                return None
            raise

    def list(
        self, prefix: str = "", *, category: str = "", include_system: bool = False, page_size: int = 0
    ) -> Iterator[str]:
        """The names of streams, sorted by bytes, deleted ones left out; pages are asked for as they are wanted."""
        request = proto.StreamsListRequest(
            prefix=prefix, category=category, include_system=include_system, page_size=page_size
        )
        for page in self._connection.pages(rpc.STREAM_LIST, request):
            for name in page.streams:
                yield name

    def set_metadata(self, stream: str, metadata: StreamMetadata | None, expected: Expected | None = None) -> int:
        """Replace a stream's metadata, also before its first event; none takes it away.

        Returns the position of the event that says so, as all changes here do. WRONG_EXPECTED_REVISION when the
        stream is not as expected, which a repetition after a lost answer may also meet; STREAM_TOMBSTONED.
        """
        request = proto.StreamsSetMetadataRequest(
            stream=stream,
            metadata=None if metadata is None or metadata == StreamMetadata() else metadata.to_wire(),
            expected=_to_wire(expected),
        )
        return (self._connection.call(rpc.STREAM_SET_METADATA, request)).position

    def delete(self, stream: str, expected: Expected | None = None) -> int:
        """Delete a stream: its events are no longer found under its name. An append revives it without them.

        STREAM_NOT_FOUND when it never had an event, STREAM_TOMBSTONED when it was deleted for good.
        """
        request = proto.StreamsDeleteRequest(stream=stream, expected=_to_wire(expected))
        return (self._connection.call(rpc.STREAM_DELETE, request)).position

    def tombstone(self, stream: str, expected: Expected | None = None) -> int:
        """Delete a stream for good, or a name that must never be used. There is no way back."""
        request = proto.StreamsTombstoneRequest(stream=stream, expected=_to_wire(expected))
        return (self._connection.call(rpc.STREAM_TOMBSTONE, request)).position

    def list_event_types(self, prefix: str = "", *, page_size: int = 0) -> Iterator[tuple[str, int]]:
        """The types of events with how many there are, in the order of their names."""
        request = proto.StreamsListEventTypesRequest(prefix=prefix, page_size=page_size)
        for page in self._connection.pages(rpc.EVENT_TYPE_LIST, request):
            for count in page.types:
                yield count.name, count.events

    def statistics(self) -> Statistics:
        """Counts by type, category and day."""
        answer = self._connection.call(rpc.STATISTICS, proto.StreamsGetStatisticsRequest())
        return Statistics.from_wire(answer)


def _to_wire(expected: Expected | None) -> proto.ExpectedRevision | None:
    return None if expected is None else expected.to_wire()
