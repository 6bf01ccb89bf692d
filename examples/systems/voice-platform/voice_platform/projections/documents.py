"""Documents of read models: how a projection changes them, and how readers list them.

A document says which event was applied to it last, and the store keeps it together with the position that the whole
read model is made of. So each event has its effect once, through any crash.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from quipu_client import AsyncProjector, AsyncTx, RecordedEvent
from quipu_client import Document as StoredDocument

from ..domain.contracts import Document, Payload
from ..domain.folding import lay_over
from ..envelope import Fact
from ..routes import Routes
from ..tenancy import Tenant


class Documents(Protocol):
    """What a projection sees and changes: the documents of its read model."""

    async def get(self, type: str, id: str) -> Document | None:  # noqa: A002
        """A document; none when there is none."""

    def upsert(self, type: str, id: str, data: object) -> None:  # noqa: A002
        """Write a document."""


async def change(
    documents: Documents, kind: str, key: str, fact: Fact[Payload], changed: Callable[[Document], Document]
) -> None:
    """Change a document, which is empty at first, and note the event in it."""
    last_event = {
        "id": fact.event.id,
        "type": fact.event.type,
        "aggregate": fact.event.stream,
        "sequence": fact.sequence,
    }
    document = changed(await documents.get(kind, key) or {})
    documents.upsert(kind, key, {**document, "last_event": last_event})


async def lay_payload_over(documents: Documents, kind: str, key: str, fact: Fact[Payload]) -> None:
    """Change a document as the payload changes the state of its aggregate."""
    await change(documents, kind, key, fact, lambda document: lay_over(document, fact.payload.document()))


def projector_of(projection: Routes[Documents], tenant: Tenant) -> AsyncProjector:
    """The projector that makes a read model of a tenant."""
    projector = AsyncProjector(tenant.client, projection.name)

    async def project(event: RecordedEvent, tx: AsyncTx) -> None:
        await projection.deal_with(event, tx)

    for event_type in projection.types:
        projector.on(event_type)(project)
    return projector


async def list_documents(tenant: Tenant, model: str, kind: str, *, limit: int, offset: int = 0) -> list[StoredDocument]:
    """Documents of a type in the order of their ids: at most `limit`, behind the first `offset`."""
    listed: list[StoredDocument] = []
    async for document in tenant.client.read_models.list(model, kind, offset=offset, page_size=min(limit, 1000)):
        listed.append(document)
        if len(listed) == limit:
            break
    return listed
