"""A real corpus in a folder, with a fake embedder and vector index that outlive it, and its keyword index."""

from pathlib import Path

from service.corpus.corpus_file import CorpusFile
from service.corpus.document_writer import IngestLimits
from service.corpus.ingest import DocumentCorpus, Repaired
from service.corpus.loaders.sandbox import SandboxedLoader
from service.retrieval.fts import FtsIndex
from service.retrieval.port import Passage
from service.retrieval.threads import WorkerThreads
from tests.fakes.clock import ManualClock
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.vector_index import FakeVectorIndex

LIMITS = IngestLimits(chunk_chars=200, max_chunks=50, max_file_bytes=100_000, embed_batch=2)


class Opened:
    """`open` starts the corpus, also again after `close` or `crash`; embedder and index stay as they are."""

    def __init__(self, folder: Path, *, embedder: bool = True, limits: IngestLimits = LIMITS) -> None:
        self.path = folder / "corpus.sqlite3"
        self.clock = ManualClock()
        self.embedder = FakeEmbedder()
        self.embedder.away = not embedder
        self.index = FakeVectorIndex()
        self.repaired = Repaired(0)
        self._limits = limits

    async def open(self) -> "Opened":
        self.file = CorpusFile(self.path, self.clock)
        self.corpus = DocumentCorpus(
            self.file,
            SandboxedLoader(self._limits.max_file_bytes, 5, 20.0, 1 << 30),
            self.embedder,
            self.index,
            self.clock,
            self._limits,
        )
        self.threads = WorkerThreads(2)
        self.words = FtsIndex(self.path, self.threads)
        self.repaired = await self.corpus.repair()
        return self

    async def crash(self) -> None:
        """Leave the file as a kill would: nothing is finished, nothing is noted."""
        await self.words.close()
        self.threads.close()
        with self.file.reading() as db:
            db.close()

    async def close(self) -> None:
        await self.words.close()
        self.threads.close()
        await self.corpus.close()

    async def found(self, text: str) -> list[Passage]:
        """Passages by words, best first."""
        return list(await self.words.passages(await self.words.search(text, 10)))

    async def sources(self, text: str) -> list[str]:
        return [passage.source for passage in await self.found(text)]

    @property
    def vectors(self) -> set[str]:
        """Chunk ids in the present embedder's collection."""
        return set(self.index.collections.get(self.embedder.embedder, {}))


def prose(word: str, sentences: int = 12) -> bytes:
    """A document of several chunks, each of which holds `word`."""
    lines = [f"Sentence {number} tells about {word} and how traders use it every day." for number in range(sentences)]
    return "\n\n".join(lines).encode()
