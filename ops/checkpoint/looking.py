"""Opens a copied store as the service would, and asks it: `python -m ops.checkpoint.looking CORPUS VECTORS ANSWERS`.

Runs in a process of its own: a vector index that is not whole can end the process that searches it. VECTORS is "-" for
none. ANSWERS is a JSON file: with `questions` in it they are asked again, else questions are made from the documents,
and those in `wanted` asked too. Prints one JSON object (`Findings`). What it opens it changes: give it a copy that
nobody compares any more, or one that has no hashes yet.
"""

import asyncio
import json
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from service.clock import SystemClock
from service.corpus.corpus_file import CorpusFile
from service.corpus.schema import open_reader
from service.errors import ServiceError
from service.retrieval.chroma import ChromaIndex
from service.retrieval.chroma_store import EmbeddedChroma
from service.retrieval.fts import FtsIndex
from service.retrieval.hybrid import HybridRetriever
from service.retrieval.threads import WorkerThreads

TOP_K = 5
ASKED = 20
SELF_FOUND = 200
# Of cosine distance: the same vector twice, but for rounding.
_SAME = 1e-5
_NEAREST = 10
_WORDS = 14
_PATIENCE_S = 120.0
_SPREAD = (
    'SELECT c.id, d.id, substr(c.text, c.start - c.cut + 1, c."end" - c.start) FROM chunks c '
    "JOIN documents d ON d.number = c.document WHERE d.state = 'ready' {only} "
    "ORDER BY c.number LIMIT -1"
)


@dataclass
class Findings:
    """What was seen. `questions` are those asked, each with what was found; `problems` in words, none when all is
    well."""

    documents: int = 0
    chunks: int = 0
    version: int = 0
    waiting: int = 0
    embedder: str | None = None
    vectors: int | None = None
    looked_for: int = 0
    found_themselves: int = 0
    questions: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


async def look(corpus: Path, vectors: Path | None, answers: Mapping[str, Any]) -> Findings:
    """Open, count, search, and close in order."""
    found = Findings()
    _check_databases(corpus, vectors, found)
    if found.problems:
        return found
    async with AsyncExitStack() as stack:
        file = CorpusFile(corpus / "corpus.sqlite3", SystemClock())
        stack.callback(file.close)
        shelf, embedder = file.shelf, file.embedder
        found.documents, found.chunks, found.version = len(shelf), shelf.chunks, file.version
        found.waiting = shelf.pending_chunks
        index: ChromaIndex | None = None
        if vectors is not None and embedder is not None:
            found.embedder = embedder.model
            index = ChromaIndex(EmbeddedChroma(vectors), timeout_s=_PATIENCE_S)
            stack.push_async_callback(index.close)
            await index.select(embedder)
            found.vectors = await index.count()
            if found.vectors < shelf.chunks - shelf.pending_chunks:
                found.problems.append(
                    f"the vector index holds {found.vectors:,} vectors, and the documents have "
                    f"{shelf.chunks - shelf.pending_chunks:,}"
                )
            await _find_themselves(file, index, found)
        threads = WorkerThreads(2)
        stack.callback(threads.close)
        words = FtsIndex(corpus / "corpus.sqlite3", threads)
        stack.push_async_callback(words.close)
        retriever = HybridRetriever(
            words,
            index or ChromaIndex(EmbeddedChroma(corpus / "none")),
            lambda: embedder if index is not None and file.active else None,
            SystemClock(),
            floor=float(answers.get("floor", 0.0)),
            patience_s=_PATIENCE_S,
        )
        if "questions" in answers:
            await _ask_again(retriever, answers, found)
        else:
            found.questions = await _ask(retriever, file, index, answers)
    return found


def _check_databases(corpus: Path, vectors: Path | None, found: Findings) -> None:
    for path in (corpus / "corpus.sqlite3", *([vectors / "chroma.sqlite3"] if vectors else [])):
        with closing(sqlite3.connect(path)) as db:
            said = [row[0] for row in db.execute("PRAGMA integrity_check(3)")]
        if said != ["ok"]:
            found.problems.append(f"{path.name} is damaged: {said[0]}")


async def _find_themselves(file: CorpusFile, index: ChromaIndex, found: Findings) -> None:
    ids = [chunk_id for chunk_id, _, _ in _spread(file, SELF_FOUND, "AND d.embedded = 1")]
    kept = await index.vectors(ids)
    found.looked_for = len(ids)
    for chunk_id, vector in kept.items():
        near = await index.query(vector, _NEAREST)
        itself = any(match.chunk_id == chunk_id for match in near)
        found.found_themselves += itself or any((match.distance or 0.0) <= _SAME for match in near[:1])
    if found.found_themselves < found.looked_for:
        missing = found.looked_for - found.found_themselves
        found.problems.append(f"{missing} of {found.looked_for} vectors do not find themselves in the vector index")


async def _ask(
    retriever: HybridRetriever, file: CorpusFile, index: ChromaIndex | None, answers: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Made from the documents: a passage's first words, with its own vector, so that no embedder is needed."""
    asked: list[dict[str, Any]] = [{"text": text, "vector": None} for text in answers.get("wanted", ())]
    spread = _spread(file, ASKED)
    kept = await index.vectors([chunk_id for chunk_id, _, _ in spread]) if index is not None else {}
    asked += [{"text": " ".join(text.split()[:_WORDS]), "vector": kept.get(chunk_id)} for chunk_id, _, text in spread]
    told = []
    for question in asked:
        passages = (await retriever.retrieve(question["text"], question["vector"], TOP_K)).passages
        # Nothing found is an answer too, but says nothing about a copy.
        if passages:
            told.append(question | {"found": [one.chunk_id for one in passages], "document": passages[0].document_id})
    return told


async def _ask_again(retriever: HybridRetriever, answers: Mapping[str, Any], found: Findings) -> None:
    for number, question in enumerate(answers["questions"], start=1):
        passages = (await retriever.retrieve(question["text"], question["vector"], TOP_K)).passages
        if (now := [one.chunk_id for one in passages]) != question["found"]:
            first = "its first passage" if now[:1] != question["found"][:1] else "what comes after its first passage"
            found.problems.append(f"known question {number} is answered otherwise: {first} is another one")
        found.questions.append(question)


def _spread(file: CorpusFile, count: int, only: str = "") -> Sequence[tuple[str, str, str]]:
    """Chunk id, document id and text of chunks from all over the corpus, the same ones at every call."""
    with closing(open_reader(file.path)) as db:
        join = f"FROM chunks c JOIN documents d ON d.number = c.document WHERE d.state = 'ready' {only}"
        total = int(db.execute(f"SELECT count(*) {join}").fetchone()[0])
        step = max(1, total // count)
        query = _SPREAD.format(only=only)
        rows = db.execute(query).fetchall() if step == 1 else _every(db, query, step)
    return rows[:count]


def _every(db: sqlite3.Connection, query: str, step: int) -> list[tuple[str, str, str]]:
    return [row for number, row in enumerate(db.execute(query)) if number % step == 0]


def main(words: Sequence[str]) -> int:
    corpus, vectors, answers = words
    given = json.loads(Path(answers).read_text(encoding="utf-8"))
    try:
        found = asyncio.run(look(Path(corpus), None if vectors == "-" else Path(vectors), given))
    except (ServiceError, sqlite3.Error, OSError) as error:
        found = Findings(problems=[error.detail if isinstance(error, ServiceError) else str(error)])
    sys.stdout.write(json.dumps(asdict(found)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
