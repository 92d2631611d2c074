"""What a search costs in a corpus of 20,000 chunks: words alone, vectors alone, and both, one question at a time."""

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from service.clock import SystemClock
from service.corpus.corpus_file import CorpusFile
from service.corpus.draft import File, draft
from service.corpus.loaders.port import LoadedDocument
from service.corpus.registry import Registry
from service.embedding.port import EmbedderId
from service.retrieval.chroma import ChromaIndex
from service.retrieval.chroma_store import EmbeddedChroma
from service.retrieval.fts import FtsIndex
from service.retrieval.hybrid import HybridRetriever
from service.retrieval.port import VectorRow
from service.retrieval.threads import WorkerThreads
from tests.bench.figures import Row, at_least, at_most, quantile
from tests.bench.plan import Plan

GROUP = "A search"
METHOD = (
    "20,000 chunks of about 110 words (Zipf-distributed over 8,000 words) in SQLite FTS5, and as many vectors of 384 "
    "dimensions around 400 centres in embedded Chroma, on disk, ingested by the service's own code. Questions of six "
    "words that one chunk holds, with a vector near that chunk's, one after the other, after a warm-up. The floor is "
    "off. `overlap` is the share of the 20 exactly nearest vectors that Chroma's approximate index finds."
)
CHUNKS, QUICK_CHUNKS = 20_000, 2_000
QUESTIONS, QUICK_QUESTIONS = 400, 60
_DIMENSIONS = 384
_CENTRES = 400
_CHUNKS_PER_DOCUMENT = 40
_WORDS_PER_CHUNK = 110
_VOCABULARY = 8_000
_POOL = 20
_TOP_K = 5
_EMBEDDER = EmbedderId("synthetic", "seed-7", _DIMENSIONS)
Vectors = "np.ndarray[Any, np.dtype[np.float32]]"


@dataclass(frozen=True, slots=True)
class Asked:
    """One question and its vector."""

    text: str
    vector: tuple[float, ...]


def measure(plan: Plan) -> list[Row]:
    """Rows for the page of all benchmarks."""
    found = figures(
        plan.part("retrieval"), chunks=plan.of(CHUNKS, QUICK_CHUNKS), questions=plan.of(QUESTIONS, QUICK_QUESTIONS)
    )
    return [
        Row(GROUP, "hybrid, p50", found["hybrid_p50_ms"], "ms", at_most(6)),
        Row(GROUP, "hybrid, p95", found["hybrid_p95_ms"], "ms", at_most(15)),
        Row(GROUP, "words alone, p50", found["words_p50_ms"], "ms"),
        Row(GROUP, "words alone, p95", found["words_p95_ms"], "ms"),
        Row(GROUP, "vectors alone (Chroma), p50", found["vectors_p50_ms"], "ms"),
        Row(GROUP, "vectors alone (Chroma), p95", found["vectors_p95_ms"], "ms"),
        Row(GROUP, "overlap with exact search", found["overlap"], "of 1", at_least(0.95)),
        Row(GROUP, "vectors stored", found["vectors_per_s"], "per s"),
    ]


def figures(folder: Path, *, chunks: int = CHUNKS, questions: int = QUESTIONS) -> dict[str, float]:
    """Build a corpus in `folder` and search it. Times in ms; the same corpus and questions at each run."""
    return asyncio.run(_figures(folder, chunks, questions))


async def _figures(folder: Path, chunks: int, questions: int) -> dict[str, float]:
    dice = random.Random(7)
    rows = await asyncio.to_thread(_write_words, folder / "corpus.sqlite3", chunks, dice)
    ids, vectors = [chunk_id for chunk_id, _ in rows], _clustered(len(rows))
    index = ChromaIndex(EmbeddedChroma(folder / "chroma"), timeout_s=60.0, write_timeout_s=300.0)
    threads = WorkerThreads(4)
    keywords = FtsIndex(folder / "corpus.sqlite3", threads)
    try:
        await index.select(_EMBEDDER)
        began = time.perf_counter()
        await index.upsert(
            [VectorRow(key, key, tuple(map(float, vector))) for key, vector in zip(ids, vectors, strict=True)]
        )
        stored_s = time.perf_counter() - began
        asked = _questions([text for _, text in rows], vectors, questions, dice)
        hybrid = HybridRetriever(keywords, index, lambda: _EMBEDDER, SystemClock(), floor=0.0, patience_s=60.0)
        times = {
            "words": await _times_ms(asked, lambda one: keywords.search(one.text, _POOL)),
            "vectors": await _times_ms(asked, lambda one: index.query(one.vector, _POOL)),
            "hybrid": await _times_ms(asked, lambda one: hybrid.retrieve(one.text, one.vector, _TOP_K)),
        }
        overlap = await _overlap(index, ids, vectors, asked[:100])
    finally:
        await keywords.close()
        threads.close()
        await index.close()
    return {
        "chunks": float(len(rows)),
        "vectors_per_s": len(rows) / stored_s,
        "overlap": overlap,
        **{
            f"{name}_p{share}_ms": quantile(taken, share / 100)
            for name, taken in times.items()
            for share in (50, 95, 99)
        },
    }


async def _times_ms(asked: Sequence[Asked], search: Callable[[Asked], Awaitable[object]]) -> list[float]:
    for one in asked[:20]:
        await search(one)
    taken = []
    for one in asked:
        began = time.perf_counter()
        await search(one)
        taken.append((time.perf_counter() - began) * 1000)
    return taken


async def _overlap(index: ChromaIndex, ids: Sequence[str], vectors: "Vectors", asked: Sequence[Asked]) -> float:
    shared = 0
    for one in asked:
        nearest = np.argsort(-(vectors @ np.array(one.vector, dtype=np.float32)))[:_POOL]
        found = {match.chunk_id for match in await index.query(one.vector, _POOL)}
        shared += len(found & {ids[place] for place in nearest})
    return shared / (len(asked) * _POOL)


def _write_words(path: Path, chunks: int, dice: random.Random) -> list[tuple[str, str]]:
    """A corpus file of made-up prose; (chunk id, text) of every chunk."""
    vocabulary = [_word(number) for number in range(_VOCABULARY)]
    weights = [1 / (rank + 10) for rank in range(_VOCABULARY)]
    file = CorpusFile(path, SystemClock())
    registry = Registry(file)
    rows: list[tuple[str, str]] = []
    number = 0
    while len(rows) < chunks:
        number += 1
        sentences = [
            " ".join(dice.choices(vocabulary, weights, k=11)).capitalize() + "."
            for _ in range(_CHUNKS_PER_DOCUMENT * _WORDS_PER_CHUNK // 11)
        ]
        text = "\n\n".join(" ".join(sentences[at : at + 10]) for at in range(0, len(sentences), 10))
        loaded = LoadedDocument(text, "text/plain", f"Document {number}")
        made = draft(File(f"{number:032x}", "", f"{number}.txt", b""), loaded, chunk_chars=900, max_chunks=20_000)
        registry.add(made)
        rows += [(one.id, text[one.start : one.end]) for one in made.chunks]
    file.close()
    return rows


def _word(number: int) -> str:
    """Words of two to four syllables that no stemmer takes for forms of each other."""
    syllables = ("ba", "do", "fi", "gu", "ka", "lo", "mi", "nu", "pa", "ro", "si", "tu", "va", "wo", "xi", "zu")
    digits = [number // 16**place % 16 for place in range(max(2, math.ceil(math.log(number + 2, 16))))]
    return "".join(syllables[digit] for digit in digits) + "k"


def _clustered(count: int) -> "Vectors":
    """Vectors of length one around common centres, as chunks about common subjects are."""
    dice = np.random.default_rng(7)
    centres = dice.normal(size=(_CENTRES, _DIMENSIONS))
    made = centres[dice.integers(_CENTRES, size=count)] + 0.7 * dice.normal(size=(count, _DIMENSIONS))
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), dtype=np.float32)


def _questions(texts: Sequence[str], vectors: "Vectors", count: int, dice: random.Random) -> list[Asked]:
    noise = np.random.default_rng(8)
    asked = []
    for _ in range(count):
        place = dice.randrange(len(texts))
        vector = vectors[place] + 0.03 * noise.normal(size=_DIMENSIONS)
        words = dice.sample(texts[place].replace(".", "").split(), 6)
        asked.append(Asked(" ".join(words), tuple(map(float, vector / np.linalg.norm(vector)))))
    return asked
