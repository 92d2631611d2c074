"""One document into the corpus, or out of it: the order of writes, and what a failure leaves behind.

Document, chunks and their texts as pending; then vectors; then ready, with the words and the raised version, in one
transaction. A kill at any moment loses nothing acknowledged, and nobody finds what is pending. An index or an embedder
that fails costs no document: it is added with its words, and its vectors follow.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from service.clock import Clock
from service.corpus.draft import Draft, File, draft
from service.corpus.loaders.port import Loader
from service.corpus.port import Document, Ingested, IngestResult
from service.corpus.registry import Published, Registry
from service.corpus.vectors import VectorKeeper
from service.errors import DependencyError, ServiceError
from service.retrieval.threads import WorkerThreads

_log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class IngestLimits:
    """`chunk_chars` is the target size of a chunk; `embed_batch` texts are embedded at a time."""

    chunk_chars: int = 900
    max_chunks: int = 20_000
    max_file_bytes: int = 20 << 20
    embed_batch: int = 64


class DocumentWriter:
    """Holds the writer's turn: one document at a time. Reading and cutting a file needs no turn.

    `sql` runs writes in order and must never abandon one; `threads` runs what may go beside them.
    """

    def __init__(
        self,
        registry: Registry,
        vectors: VectorKeeper,
        loader: Loader,
        clock: Clock,
        limits: IngestLimits,
        *,
        sql: WorkerThreads,
        threads: WorkerThreads,
    ) -> None:
        self.turn = asyncio.Lock()
        self._registry = registry
        self._vectors = vectors
        self._loader = loader
        self._clock = clock
        self._limits = limits
        self._sql = sql
        self._threads = threads
        self._told_trouble = ""

    async def prepare(self, *, verify: bool = False) -> str | None:
        """Get the vector index ready: None when documents can be embedded now, else why not (empty: no embedder).
        `verify` also looks whether vectors were lost."""
        async with self.turn:
            try:
                ready = await self._vectors.prepare(verify=verify) is not None
            except DependencyError as error:
                self._tell(error.detail)
                return error.detail
            self._told_trouble = ""
            return None if ready else ""

    def _tell(self, trouble: str) -> None:
        """Once, until it works again or fails otherwise: this is tried every few seconds."""
        if trouble != self._told_trouble:
            self._told_trouble = trouble
            _log.warning("vectors cannot be kept now, documents are found by their words: %s", trouble)

    async def write(self, file: File, why_no_vectors: str | None) -> Ingested:
        """Raises what `Corpus.add` raises. `why_no_vectors` is what `prepare` said."""
        began = self._clock.monotonic()
        if self._registry.find(file.id) is not None:
            async with self.turn:
                if self._registry.find(file.id) is not None:
                    return self._told(file, await self._known(file), IngestResult.UNCHANGED, began)
        loaded = await self._loader.load(file.source, file.content)
        limits = self._limits
        cut, _ = await self._threads.run(
            partial(draft, file, loaded, chunk_chars=limits.chunk_chars, max_chunks=limits.max_chunks)
        )
        async with self.turn:
            # Another writer may have added the same meanwhile.
            if self._registry.find(file.id) is not None:
                return self._told(file, await self._known(file), IngestResult.UNCHANGED, began)
            if why_no_vectors is None:
                published, why_no_vectors = await self._store_with_vectors(cut)
            else:
                published = await self._run(partial(self._registry.add, cut))
            await self._bury(published[1])
        return self._told(file, published, IngestResult.ADDED, began, why_no_vectors or "")

    async def remove(self, document_id: str) -> Document:
        """Nobody finds it from the moment of the transaction; its vectors go after that. Raises `NotFound`."""
        async with self.turn:
            document = await self._run(partial(self._registry.remove, document_id))
            await self._bury(document)
        return document

    async def _known(self, file: File) -> Published:
        """The document is here already; only the folder that it belongs to may be new."""
        known = self._registry.find(file.id)
        if known is not None and known.folder == file.folder:
            return known.document, None
        published = await self._run(partial(self._registry.adopt, file.id, file.folder))
        await self._bury(published[1])
        return published

    async def _store_with_vectors(self, cut: Draft) -> tuple[Published, str | None]:
        """What was published, and why it has no vectors."""
        why: str | None = None
        try:
            await self._run(partial(self._registry.begin, cut))
            try:
                await self._vectors.embed(cut.id)
            except DependencyError as error:
                _log.warning("a document was added without vectors, they follow: %s", error.detail)
                why = error.detail
            return await self._run(partial(self._registry.publish, cut.id, embedded=why is None)), why
        except BaseException:
            # Also on cancellation. If this fails too, the next write or the next start does it.
            with suppress(ServiceError, RuntimeError):
                await self._run(self._registry.discard)
            raise

    async def _bury(self, gone: Document | None) -> None:
        if gone is not None:
            # The tombstone stays, and the next `prepare` tries again.
            with suppress(DependencyError):
                await self._vectors.bury()

    def _told(
        self, file: File, published: Published, result: IngestResult, began: float, why_no_vectors: str = ""
    ) -> Ingested:
        document, replaced = published
        if replaced is not None:
            result = IngestResult.REPLACED
        detail = f"added with its words alone, its vectors follow: {why_no_vectors}" if why_no_vectors else ""
        return Ingested(file.source, result, document, detail, self._clock.monotonic() - began)

    async def _run(self, call: Callable[[], T]) -> T:
        value, _ = await self._sql.run(call)
        return value
