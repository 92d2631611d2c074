"""The corpus in use: adding, listing and deleting documents while others read. How is in `document_writer.py`."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from service.clock import Clock
from service.corpus.chunking import document_id
from service.corpus.corpus_file import CorpusFile
from service.corpus.document_writer import DocumentWriter, IngestLimits
from service.corpus.draft import File
from service.corpus.folder import FoundFile, Scan, read, scan
from service.corpus.loaders.names import safe_source
from service.corpus.loaders.port import Loader
from service.corpus.port import CorpusState, Document, Ingested, IngestReport, IngestResult
from service.corpus.registry import Registry
from service.corpus.vector_ledger import VectorLedger
from service.corpus.vectors import VectorKeeper
from service.corpus.write_gate import TurnGate
from service.embedding.port import Embedder, EmbedderId
from service.errors import DependencyError, ErrorKind, NotFound, ServiceError, TooLarge, UnsupportedDocument
from service.retrieval.port import VectorIndex
from service.retrieval.threads import WorkerThreads

_log = logging.getLogger(__name__)
T = TypeVar("T")

_CLOSE_S = 5.0


@dataclass(frozen=True, slots=True)
class Repaired:
    """What a start put right: documents that a kill had left pending, and why vectors could not be compared."""

    finished: int
    detail: str = ""


class DocumentCorpus:
    """Implements `Corpus`. Owns the file and the loader, and closes them; embedder and index are their makers'.
    `gate` keeps writers out while the files are copied.

    Call `repair` once before use. Belongs to one event loop.
    """

    def __init__(
        self,
        file: CorpusFile,
        loader: Loader,
        embedder: Embedder,
        index: VectorIndex,
        clock: Clock,
        limits: IngestLimits | None = None,
    ) -> None:
        self._file = file
        self._loader = loader
        self._clock = clock
        self._limits = limits or IngestLimits()
        self._registry = Registry(file)
        self._ledger = VectorLedger(file)
        self._sql = WorkerThreads(1, spare=0)
        self._threads = WorkerThreads(2)
        self._vectors = VectorKeeper(self._ledger, self._sql, embedder, index, self._limits.embed_batch)
        self._documents = DocumentWriter(
            self._registry, self._vectors, loader, clock, self._limits, sql=self._sql, threads=self._threads
        )
        self.gate = TurnGate(self._documents.turn, file.path, clock)
        self._sweep = asyncio.Lock()
        self._closed = False

    @property
    def active_embedder(self) -> EmbedderId | None:
        """Whose vectors may be searched; None = keywords alone, for the index is empty or still being filled."""
        return self._file.embedder if self._file.active else None

    def state(self) -> CorpusState:
        shelf, embedder = self._file.shelf, self.active_embedder
        model = embedder.model if embedder else None
        return CorpusState(self._file.version, len(shelf), shelf.chunks, shelf.pending_chunks, model)

    async def repair(self) -> Repaired:
        """Finish what a kill left behind, and compare the vector index with the documents."""
        finished = await self._run(self._registry.finish_pending)
        return Repaired(finished, await self._documents.prepare() or "")

    async def add(self, source: str, content: bytes) -> Ingested:
        self._require_open()
        await self.gate.passed()
        label = safe_source(source)
        identity, _ = await self._threads.run(partial(document_id, label, content))
        return await self._documents.write(File(identity, "", label, content), await self._documents.prepare())

    async def add_folder(
        self, path: str, on_progress: Callable[[int, int, str], None] | None = None, *, prune: bool = False
    ) -> IngestReport:
        """See `Corpus.add_folder`. `path` may also be one file. A folder that is empty prunes nothing: it is more
        likely not mounted than meant. Raises `NotFound` when there is no such path."""
        self._require_open()
        found, _ = await self._threads.run(partial(scan, path))
        why_no_vectors = await self._documents.prepare()
        results: list[Ingested] = []
        for number, file in enumerate(found.files, start=1):
            result = await self._attempt(found, file, why_no_vectors)
            if why_no_vectors is None and result.detail and result.document is not None:
                # Not again for each file: a server that is away takes seconds to say so.
                why_no_vectors = "the embedder or the vector index is away"
            results.append(result)
            if on_progress is not None:
                on_progress(number, len(found.files), file.source)
        removed = await self._prune(found) if prune else ()
        return IngestReport(tuple(results), removed, Counter(one.result for one in results))

    async def embed_pending(self) -> int:
        """See `Corpus.embed_pending`. Embeds outside the writer's turn, so documents can be added meanwhile. Stops
        early, without raising, when the embedder or the index fails; the rest is done next time."""
        self._require_open()
        async with self._sweep:
            done = await self._sweep_once()
            # What the index had lost shows for certain only when nothing waits any more.
            if done and not self._ledger.waiting():
                done += await self._sweep_once()
        return done

    def documents(self) -> tuple[Document, ...]:
        return self._registry.documents()

    async def document_text(self, document_id: str) -> str:
        self._require_open()
        text, _ = await self._threads.run(partial(self._registry.text, document_id))
        return text

    async def delete(self, document_id: str) -> Document:
        self._require_open()
        await self.gate.passed()
        return await self._documents.remove(document_id)

    async def close(self) -> None:
        """Waits a few seconds for a write that is under way; what it had not acknowledged is repaired at start."""
        if self._closed:
            return
        self._closed = True
        self.gate.end()
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_S), self._documents.turn:
                pass
        await self._run(self._file.close)
        self._sql.close()
        self._threads.close()
        await self._loader.close()

    async def _attempt(self, found: Scan, file: FoundFile, why_no_vectors: str | None) -> Ingested:
        began = self._clock.monotonic()
        try:
            given, _ = await self._threads.run(partial(self._read, found, file))
            return await self._documents.write(given, why_no_vectors)
        except (UnsupportedDocument, TooLarge) as error:
            result, detail = IngestResult.REJECTED, error.detail
        except ServiceError as error:
            if error.kind is ErrorKind.SHUTTING_DOWN:
                raise
            result, detail = IngestResult.FAILED, error.detail
        return Ingested(file.source, result, None, detail, self._clock.monotonic() - began)

    def _read(self, found: Scan, file: FoundFile) -> File:
        content = read(file, self._limits.max_file_bytes)
        return File(document_id(file.source, content), str(found.root), file.source, content)

    async def _prune(self, found: Scan) -> tuple[str, ...]:
        """Delete what the folder no longer holds. Not when a part of it could not be listed."""
        if not found.complete or not found.files:
            return ()
        present = {file.source for file in found.files}
        removed: list[str] = []
        for document in self._registry.of_folder(str(found.root)):
            if document.source not in present:
                with suppress(NotFound):
                    await self._documents.remove(document.id)
                    removed.append(document.source)
        return tuple(removed)

    async def _sweep_once(self) -> int:
        done = 0
        if await self._documents.prepare(verify=True) is not None:
            return done
        embedder = self._vectors.selected
        try:
            for waiting in self._ledger.waiting():
                done += await self._embed(waiting, embedder)
        except DependencyError as error:
            _log.warning("embedding stopped, the rest follows: %s", error.detail)
        return done

    async def _embed(self, waiting: str, embedder: EmbedderId | None) -> int:
        """Embed one document that is ready already; how many chunks were done. Stops when it goes meanwhile, or when
        another writer has moved on to another embedder."""
        done = 0
        async for rows in self._vectors.rows(waiting):
            async with self._documents.turn:
                if self._registry.find(waiting) is None or self._vectors.selected != embedder:
                    return done
                await self._vectors.store(rows)
            done += len(rows)
        async with self._documents.turn:
            if self._vectors.selected == embedder:
                await self._vectors.finish(waiting)
        return done

    def _require_open(self) -> None:
        if self._closed:
            raise ServiceError(ErrorKind.SHUTTING_DOWN, "the service is stopping; try again in a moment")

    async def _run(self, call: Callable[[], T]) -> T:
        value, _ = await self._sql.run(call)
        return value
