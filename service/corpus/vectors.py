"""Keeping the vector index in step with the corpus: whose vectors it holds, which are missing, which have to go.

The index is another store, written after SQLite, so a kill can leave it behind or ahead. `prepare` puts that right
whenever it is called: it follows a changed embedder into a new collection, compares both stores, and removes the
vectors of deleted documents. All but `rows` is called by the holder of the writer's lock. Raises `DependencyError`,
after which the next `prepare` goes on where this one stopped.
"""

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import TypeVar

from service.corpus.vector_ledger import VectorLedger
from service.embedding.port import Embedded, Embedder, EmbedderId, Purpose
from service.errors import BadDependencyReply, Dependency, ErrorKind
from service.retrieval.port import VectorIndex, VectorRow
from service.retrieval.threads import WorkerThreads

T = TypeVar("T")


class VectorKeeper:
    """`batch` texts are embedded and stored at a time. `sql` runs the ledger's calls, one at a time."""

    def __init__(
        self, ledger: VectorLedger, sql: WorkerThreads, embedder: Embedder, index: VectorIndex, batch: int
    ) -> None:
        self._ledger = ledger
        self._sql = sql
        self._embedder = embedder
        self._index = index
        self._batch = batch
        self._selected: EmbedderId | None = None
        self._compared = False
        self._alone = False

    @property
    def selected(self) -> EmbedderId | None:
        """Whose collection the index uses now."""
        return self._selected

    async def prepare(self, *, verify: bool = False) -> EmbedderId | None:
        """The embedder that is there now, with the index ready for it; None when there is none. Without one, the
        index is still kept in order under the embedder it was last filled by. `verify`: the index may have lost
        vectors behind our back."""
        present = await self._embedder.identify()
        target = present or self._ledger.embedder
        if target is None:
            return None
        if target != self._selected:
            await self._index.select(target)
            self._selected, self._compared, self._alone = target, False, False
        if target != self._ledger.embedder:
            await self._run(partial(self._ledger.use_embedder, target))
        await self.bury()
        if not self._compared or (verify and await self._index.count() != self._ledger.embedded_chunks):
            await self._compare()
        await self._tidy()
        return present

    async def embed(self, document_id: str) -> None:
        """All vectors of one document, into the index."""
        async for rows in self.rows(document_id):
            await self._index.upsert(rows)

    async def store(self, rows: tuple[VectorRow, ...]) -> None:
        await self._index.upsert(rows)

    async def rows(self, document_id: str) -> AsyncIterator[tuple[VectorRow, ...]]:
        """The vectors of one document, batch by batch; nothing is stored."""
        after = -1
        while texts := await self._run(partial(self._ledger.chunk_texts, document_id, after, self._batch)):
            made = await self._embedder.embed([text for _, _, text in texts], purpose=Purpose.DOCUMENT)
            self._require_whole(made, len(texts))
            yield tuple(
                VectorRow(chunk_id, document_id, vector)
                for (_, chunk_id, _), vector in zip(texts, made.vectors, strict=True)
            )
            after = texts[-1][0]

    async def finish(self, document_id: str) -> bool:
        """Every vector of this document is in the index; False when the document is gone."""
        marked = await self._run(partial(self._ledger.mark_embedded, document_id))
        await self._tidy()
        return marked

    async def bury(self) -> None:
        """Remove the vectors of documents that are no longer there."""
        if self._selected is None:
            return
        gone = await self._run(self._ledger.tombstones)
        if gone:
            await self._index.delete(gone)
            await self._run(partial(self._ledger.bury, gone))

    async def _compare(self) -> None:
        unknown = await self._run(partial(self._ledger.reconcile, await self._index.chunk_ids()))
        if unknown:
            await self._index.delete_chunks(sorted(unknown))
        self._compared = True

    async def _tidy(self) -> None:
        """Once the present embedder's vectors are complete, those of earlier ones are of no use."""
        if not self._alone and self._ledger.active:
            await self._index.drop_others()
            self._alone = True

    def _require_whole(self, made: Embedded, count: int) -> None:
        if made.embedder != self._ledger.embedder or made.embedder != self._selected:
            detail = "the embedding model changed meanwhile; all vectors are made anew with the present one"
            raise BadDependencyReply(ErrorKind.BAD_GATEWAY, Dependency.OLLAMA, detail)
        if len(made.vectors) != count or any(len(vector) != made.embedder.dimensions for vector in made.vectors):
            detail = "the embedding model gave too few or unequal vectors; check the model"
            raise BadDependencyReply(ErrorKind.BAD_GATEWAY, Dependency.OLLAMA, detail)

    async def _run(self, call: Callable[[], T]) -> T:
        value, _ = await self._sql.run(call)
        return value
