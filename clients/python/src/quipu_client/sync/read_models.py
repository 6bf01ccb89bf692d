# Made from ../aio by tools/unasync.py.
"""Documents that projectors make of events, kept by the store with the position they are made up to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .. import proto, rpc
from ..errors import QuipuError
from ..read_model import Document, DocumentKey, Generation, NewDocument
from .connection import Connection


class ReadModels:
    """Read models by name. A `generation` of 0 is the active one."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def write(
        self,
        model: str,
        *,
        expected_position: int,
        position: int,
        upserts: Sequence[NewDocument] = (),
        deletes: Sequence[DocumentKey] = (),
        generation: int = 0,
    ) -> int:
        """Change documents and the position, all or nothing; returns the generation that was written.

        WRONG_READ_MODEL_POSITION when the generation is not at `expected_position`, which a repetition after a lost
        answer also meets. The first write makes the read model.
        """
        request = proto.ReadModelsWriteRequest(
            model=model,
            generation=generation,
            expected_position=expected_position,
            position=position,
            upserts=[document.to_wire() for document in upserts],
            deletes=[key.to_wire() for key in deletes],
        )
        return (self._connection.call(rpc.MODEL_WRITE, request)).generation

    def get(self, model: str, type: str, id: str, *, generation: int = 0) -> Document | None:  # noqa: A002
        """One document; none when there is none."""
        request = proto.ReadModelsGetRequest(model=model, type=type, id=id, generation=generation)
        try:
            answer = self._connection.call(rpc.MODEL_GET, request)
        except QuipuError as error:
            if error.reason in ("READ_MODEL_NOT_FOUND", "TENANT_NOT_FOUND"):
                return None
            raise
        return Document.from_wire(answer.document)

    def list(
        self,
        model: str,
        type: str = "",  # noqa: A002
        *,
        id_prefix: str = "",
        offset: int = 0,
        page_size: int = 0,
        generation: int = 0,
    ) -> Iterator[Document]:
        """Documents by type and id; all types when none is named. `offset` costs what it passes over."""
        request = proto.ReadModelsListRequest(
            model=model, type=type, id_prefix=id_prefix, offset=offset, page_size=page_size, generation=generation
        )
        for page in self._connection.pages(rpc.MODEL_LIST, request):
            for document in page.documents:
                yield Document.from_wire(document)
            request.offset = 0

    def describe(self, model: str) -> Sequence[Generation]:
        """How far each generation is, ascending. READ_MODEL_NOT_FOUND when there is no such read model."""
        answer = self._connection.call(rpc.MODEL_DESCRIBE, proto.ReadModelsDescribeRequest(model=model))
        return [Generation.from_wire(generation) for generation in answer.generations]

    def list_models(self, prefix: str = "", *, page_size: int = 0) -> Iterator[str]:
        """The names of read models, sorted."""
        request = proto.ReadModelsListModelsRequest(prefix=prefix, page_size=page_size)
        for page in self._connection.pages(rpc.MODEL_LIST_MODELS, request):
            for name in page.models:
                yield name

    def begin(self, model: str) -> int:
        """Make a new generation, empty and not seen by readers; returns its number.

        Not repeated when the server is unavailable: it would make another one.
        """
        return (self._connection.call(rpc.MODEL_BEGIN, proto.ReadModelsBeginRequest(model=model), once=True)).generation

    def switch(self, model: str, generation: int, *, expected_position: int | None = None) -> None:
        """Make a generation the active one and delete all older ones; again, it changes nothing."""
        request = proto.ReadModelsSwitchRequest(model=model, generation=generation, expected_position=expected_position)
        self._connection.call(rpc.MODEL_SWITCH, request)

    def delete(self, model: str, *, generation: int = 0) -> None:
        """Delete a read model, or one of its generations that is not active."""
        request = proto.ReadModelsDeleteRequest(model=model, generation=generation)
        self._connection.call(rpc.MODEL_DELETE, request)
