"""A program that adds, replaces and deletes documents until it is killed, and says what it is about to do and has done.

It prints `ready`, reads one line of JSON ({"seed", "next", "live": {source: edition}}), then prints one JSON object per
step: {"doing": [...]} before it, {"done": id} once the corpus has acknowledged it.
"""

import asyncio
import json
import random
import sys
from pathlib import Path

from service.clock import SystemClock
from service.corpus.corpus_file import CorpusFile
from service.corpus.document_writer import IngestLimits
from service.corpus.ingest import DocumentCorpus
from service.corpus.loaders.sandbox import SandboxedLoader
from service.data_folder import DataFolder
from service.retrieval.chroma import ChromaIndex
from service.retrieval.chroma_store import EmbeddedChroma
from tests.fakes.embedder import FakeEmbedder

LIMITS = IngestLimits(chunk_chars=200, embed_batch=4)


def word(source: str, edition: int) -> str:
    """A word that only this edition of this document holds."""
    number = int(source.removeprefix("doc").removesuffix(".md")) * 100 + edition
    return "zq" + "".join(chr(ord("a") + int(digit)) for digit in str(number))


def content(source: str, edition: int) -> bytes:
    """Two to nine chunks, the word in each. The rest is as varied as prose: among vectors that are nearly all alike,
    Chroma's approximate search does not reach every one, kill or no kill."""
    unique = word(source, edition)
    rng = random.Random(unique)
    sentences = 4 + rng.randrange(7) * 3
    lines = [f"Sentence {number} of {unique} says {_words(rng)}." for number in range(sentences)]
    return "\n\n".join(lines).encode()


def _words(rng: random.Random) -> str:
    return " ".join("".join(rng.choices("bcdfglmnprst", k=5)) for _ in range(6))


def open_corpus(folder: Path) -> tuple[DocumentCorpus, ChromaIndex, FakeEmbedder]:
    """The whole store over `folder`, with vectors from a fake embedder."""
    embedder = FakeEmbedder(dimensions=256)
    index = ChromaIndex(EmbeddedChroma(folder / "chroma"), timeout_s=30.0)
    file = CorpusFile(folder / "corpus.sqlite3", SystemClock())
    loader = SandboxedLoader(1 << 20, 10, 10.0, 1 << 30)
    return DocumentCorpus(file, loader, embedder, index, SystemClock(), LIMITS), index, embedder


def say(**what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


async def ingest(folder: Path, seed: int, number: int, live: dict[str, int]) -> None:
    rng = random.Random(seed)
    DataFolder(folder).acquire()
    corpus, _, _ = open_corpus(folder)
    await corpus.repair()
    await corpus.embed_pending()
    while True:
        kind = rng.choices(["add", "replace", "delete"], [6, 3, 2])[0] if len(live) > 3 else "add"
        if kind == "delete":
            source = rng.choice(sorted(live))
            document = next(one for one in corpus.documents() if one.source == source)
            say(doing=["delete", source, live.pop(source)])
            say(done=(await corpus.delete(document.id)).id)
            continue
        source = rng.choice(sorted(live)) if kind == "replace" else f"doc{number}.md"
        number += kind == "add"
        live[source] = live.get(source, 0) + 1
        say(doing=[kind, source, live[source]])
        ingested = await corpus.add(source, content(source, live[source]))
        say(done=ingested.document.id if ingested.document else None)


def main() -> None:
    # Chroma is imported at first use: now, so that the kills fall into the work.
    __import__("chromadb")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    order = json.loads(sys.stdin.readline())
    asyncio.run(ingest(Path(sys.argv[1]), order["seed"], order["next"], order["live"]))


if __name__ == "__main__":
    main()
