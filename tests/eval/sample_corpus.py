"""The sample documents in a real corpus: real loaders, chunking, SQLite FTS5 and embedded Chroma, in a given folder."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from service.clock import SystemClock
from service.corpus.corpus_file import CorpusFile
from service.corpus.document_writer import IngestLimits
from service.corpus.ingest import DocumentCorpus
from service.corpus.loaders.sandbox import SandboxedLoader
from service.embedding.port import Embedder
from service.retrieval.chroma import ChromaIndex
from service.retrieval.chroma_store import EmbeddedChroma
from service.retrieval.fts import FtsIndex
from service.retrieval.threads import WorkerThreads
from service.settings import Ingestion

DOCUMENTS = Path(__file__).resolve().parents[2] / "documents"


@dataclass(frozen=True, slots=True)
class SampleCorpus:
    """Everything a retriever needs, and the extracted text of each document by its source."""

    corpus: DocumentCorpus
    keywords: FtsIndex
    vectors: ChromaIndex
    texts: dict[str, str]


@asynccontextmanager
async def sample_corpus(folder: Path, embedder: Embedder, documents: Path = DOCUMENTS) -> AsyncIterator[SampleCorpus]:
    """Ingest `documents` with the default settings. Raises `AssertionError` when a document was not taken whole."""
    limits = Ingestion()
    path = folder / "corpus.sqlite3"
    loader = SandboxedLoader(limits.max_file_bytes, limits.max_pages, limits.parse_timeout_s, limits.parse_memory_bytes)
    index = ChromaIndex(EmbeddedChroma(folder / "chroma"), timeout_s=30.0)
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
