"""`query documents`, `upsert documents`, `delete documents`: database spans of the vector store."""

from collections.abc import Sequence

from opentelemetry.trace import SpanKind

from service.embedding.port import EmbedderId
from service.retrieval.port import Match, VectorIndex, VectorRow
from service.telemetry.catalogue import Attribute
from service.telemetry.instrumented.peer import Peer
from service.telemetry.stage import Live, Stages
from service.telemetry.vocabulary import COLLECTION, Provider


class InstrumentedVectorIndex:
    """Implements `VectorIndex`. With a `peer` it is a server that is called; without, a library in this process."""

    def __init__(self, inner: VectorIndex, stages: Stages, peer: Peer | None = None) -> None:
        self._inner = inner
        self._stages = stages
        self._kind = SpanKind.INTERNAL if peer is None else SpanKind.CLIENT
        self._attributes: dict[str, str | int] = {
            Attribute.DB_SYSTEM: Provider.CHROMA.value,
            Attribute.DB_COLLECTION: COLLECTION,
            **(dict(peer.attributes) if peer is not None else {}),  # type: ignore[arg-type]
        }

    async def select(self, embedder: EmbedderId) -> None:
        await self._inner.select(embedder)

    async def upsert(self, rows: Sequence[VectorRow]) -> None:
        with self._span("upsert", len(rows)):
            await self._inner.upsert(rows)

    async def delete(self, document_ids: Sequence[str]) -> None:
        with self._span("delete", len(document_ids)):
            await self._inner.delete(document_ids)

    async def delete_chunks(self, chunk_ids: Sequence[str]) -> None:
        with self._span("delete", len(chunk_ids)):
            await self._inner.delete_chunks(chunk_ids)

    async def drop_others(self) -> None:
        await self._inner.drop_others()

    async def query(self, vector: Sequence[float], limit: int) -> tuple[Match, ...]:
        with self._span("query") as span:
            matches = await self._inner.query(vector, limit)
            span.note(lambda: {Attribute.DB_RETURNED: len(matches)})
        return matches

    async def count(self) -> int:
        return await self._inner.count()

    async def chunk_ids(self) -> frozenset[str]:
        return await self._inner.chunk_ids()

    async def ping(self) -> None:
        await self._inner.ping()

    async def close(self) -> None:
        await self._inner.close()

    def _span(self, operation: str, size: int = 1) -> Live:
        attributes = {**self._attributes, Attribute.DB_OPERATION: operation}
        if size > 1:
            attributes[Attribute.DB_BATCH_SIZE] = size
        return self._stages.start(f"{operation} {COLLECTION}", self._kind, attributes)
