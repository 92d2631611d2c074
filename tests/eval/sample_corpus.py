"""The sample documents in a real corpus: real loaders, chunking and SQLite FTS5, in a given folder.

Vectors are searched exactly. Chroma's index approximates that, in another way at each run, so figures would change by
themselves; how near it comes is measured by `tests/bench/retrieval.py`."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from service.clock import SystemClock
from service.corpus.corpus_file import CorpusFile
from service.corpus.document_writer import IngestLimits
from service.corpus.ingest import DocumentCorpus
from service.corpus.loaders.sandbox import SandboxedLoader
from service.embedding.port import Embedder
from service.retrieval.fts import FtsIndex
from service.retrieval.port import Match
from service.retrieval.threads import WorkerThreads
from service.settings import Ingestion
from tests.fakes.vector_index import FakeVectorIndex

DOCUMENTS = Path(__file__).resolve().parents[2] / "documents"


class ExactIndex(FakeVectorIndex):
    """Every vector compared, by numpy. For vectors of length one, and a corpus that is complete before it is asked."""

    @cached_property
    def _matrix(self) -> "np.ndarray[Any, np.dtype[np.float64]]":
        return np.array([row.vector for row in self._rows().values()])

    async def query(self, vector: Sequence[float], limit: int) -> tuple[Match, ...]:
        rows = list(self._rows().values())
        distances = 1.0 - self._matrix @ np.array(vector)
        nearest = np.argsort(distances, kind="stable")[:limit]
        return tuple(Match(rows[i].chunk_id, 1.0 - float(distances[i]), float(distances[i])) for i in nearest)


@dataclass(frozen=True, slots=True)
class SampleCorpus:
    """Everything a retriever needs, and the extracted text of each document by its source."""

    corpus: DocumentCorpus
    keywords: FtsIndex
    vectors: FakeVectorIndex
    texts: dict[str, str]


@asynccontextmanager
async def sample_corpus(folder: Path, embedder: Embedder, documents: Path = DOCUMENTS) -> AsyncIterator[SampleCorpus]:
    """Ingest `documents` with the default settings. Raises `AssertionError` when a document was not taken whole."""
    limits = Ingestion()
    path = folder / "corpus.sqlite3"
    loader = SandboxedLoader(limits.max_file_bytes, limits.max_pages, limits.parse_timeout_s, limits.parse_memory_bytes)
    index = ExactIndex()
    corpus = DocumentCorpus(
        CorpusFile(path, SystemClock()),
        loader,
        embedder,
        index,
        SystemClock(),
        IngestLimits(limits.chunk_chars, limits.max_chunks, limits.max_file_bytes),
    )
    threads = WorkerThreads(2)
    keywords = FtsIndex(path, threads)
    try:
        await corpus.repair()
        report = await corpus.add_folder(str(documents))
        refused = [result for result in report.results if result.document is None]
        assert not refused, refused
        texts = {document.source: await corpus.document_text(document.id) for document in corpus.documents()}
        yield SampleCorpus(corpus, keywords, index, texts)
    finally:
        await keywords.close()
        threads.close()
        await corpus.close()
        await index.close()
