"""Finding chunks by their words: BM25 of SQLite's FTS5 over the corpus file, read beside its writer.

The tables are those of `corpus/schema.py`; `words` holds ready documents only. FTS5 ranks every chunk that holds any
of the asked words, at about a microsecond each, so words that very many chunks hold cost much and tell little. Only
rare words (together in at most `max_rare_chunks` chunks, one word at least) decide which chunks are candidates;
frequent ones still add to the rank of these. On 19,000 chunks this finds as much as ranking everything, in a quarter
of the time.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from service.errors import BadDependencyReply, Dependency, DependencyUnavailable, ErrorKind
from service.retrieval.port import Match, Passage
from service.retrieval.query_terms import query_terms
from service.retrieval.threads import WorkerThreads

T = TypeVar("T")

# Counting further would only tell apart words that are all too frequent.
_COUNT_UP_TO = 5000
_MAX_COUNTED_WORDS = 20_000
_PRIMARY_CODE = 0xFF
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

_COUNT = "SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT ?)"
_SEARCH = (
    "SELECT c.id, w.rank FROM (SELECT rowid AS number, rank FROM words WHERE words MATCH ? ORDER BY rank LIMIT ?) w "
    "JOIN chunks c ON c.number = w.number ORDER BY w.rank, c.id"
)
_PASSAGES = (
    'SELECT c.id, d.id, d.source, c.text, c.cut, c.start, c."end", c.sentences '
    "FROM chunks c JOIN documents d ON d.number = c.document WHERE d.state = 'ready' AND c.id IN ({places})"
)


class FtsIndex:
    """Implements `KeywordIndex` over a file that `CorpusFile` has made. Raises `DependencyError` (SQLITE).

    One connection for each thread that reads at the same time, opened on first need. `close` when nothing runs.
    """

    def __init__(self, path: Path, threads: WorkerThreads, *, max_rare_chunks: int = 1000) -> None:
        self._path = path
        self._threads = threads
        self._max_rare_chunks = max_rare_chunks
        self._idle: list[sqlite3.Connection] = []
        self._version = -1
        self._counts: dict[str, int] = {}

    async def search(self, text: str, limit: int) -> tuple[Match, ...]:
        terms = query_terms(text)
        if not terms or limit < 1:
            return ()
        return await self._run(partial(self._search, terms, limit))

    async def passages(self, matches: Sequence[Match]) -> tuple[Passage, ...]:
        if not matches:
            return ()
        return await self._run(partial(self._passages, tuple(matches)))

    async def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _search(self, terms: tuple[str, ...], limit: int) -> tuple[Match, ...]:
        with self._connection() as db:
            expression = self._expression(db, terms)
            rows = db.execute(_SEARCH, (expression, limit)).fetchall() if expression else []
        # FTS5 gives the better match the lower number.
        return tuple(Match(chunk_id, -rank) for chunk_id, rank in rows)

    def _passages(self, matches: tuple[Match, ...]) -> tuple[Passage, ...]:
        query = _PASSAGES.format(places=",".join("?" * len(matches)))
        with self._connection() as db:
            rows = {row[0]: row for row in db.execute(query, [match.chunk_id for match in matches])}
        return tuple(_passage(rows[match.chunk_id], match.score) for match in matches if match.chunk_id in rows)

    def _expression(self, db: sqlite3.Connection, terms: tuple[str, ...]) -> str:
        """FTS5's query: chunks with a rare word, and a higher rank for those that hold frequent ones too."""
        counts = self._count(db, terms)
        known = sorted((term for term in terms if counts[term]), key=lambda term: counts[term])
        rare: list[str] = []
        total = 0
        for term in known:
            total += counts[term]
            if rare and total > self._max_rare_chunks:
                break
            rare.append(term)
        frequent = known[len(rare) :]
        either = " OR ".join(rare)
        # The words of a branch count for the rank only where the branch matches: the first holds every candidate.
        return f"({either}) OR (({either}) AND ({' OR '.join(frequent)}))" if frequent else either

    def _count(self, db: sqlite3.Connection, terms: tuple[str, ...]) -> dict[str, int]:
        """In how many chunks each term is; remembered until the corpus changes."""
        version = db.execute("SELECT value FROM meta WHERE name = 'version'").fetchone()[0]
        if version != self._version or len(self._counts) > _MAX_COUNTED_WORDS:
            self._version, self._counts = version, {}
        known = self._counts
        for term in terms:
            if term not in known:
                known[term] = db.execute(_COUNT, (term, _COUNT_UP_TO)).fetchone()[0]
        return {term: known[term] for term in terms}

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """A connection that no other thread uses meanwhile. After a failure it is not used again."""
        try:
            db = self._take()
        except sqlite3.Error as error:
            raise _translated(error, self._path) from error
        try:
            yield db
        except sqlite3.Error as error:
            db.close()
            raise _translated(error, self._path) from error
        except BaseException:
            db.close()
            raise
        self._idle.append(db)

    def _take(self) -> sqlite3.Connection:
        try:
            return self._idle.pop()
        except IndexError:
            return self._open()

    def _open(self) -> sqlite3.Connection:
        # Not `mode=ro`: the first reader after a crash has to write the shared memory beside the log.
        uri = f"{self._path.resolve().as_uri()}?mode=rw"
        db = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        db.execute("PRAGMA query_only=ON")
        db.execute("PRAGMA cache_size=-8000")
        return db

    async def _run(self, call: Callable[[], T]) -> T:
        value, _ = await self._threads.run(call)
        return value


def _passage(row: tuple[Any, ...], score: float) -> Passage:
    chunk_id, document_id, source, text, cut, start, end, sentences = row
    spans = tuple((begin, stop) for begin, stop in json.loads(sentences))
    return Passage(chunk_id, document_id, source, text[start - cut : end - cut], start, end, score, spans)


def _translated(error: sqlite3.Error, path: Path) -> BadDependencyReply | DependencyUnavailable:
    code = (getattr(error, "sqlite_errorcode", None) or 0) & _PRIMARY_CODE
    if code in _DAMAGED:
        detail = f"{path.name} is damaged; restore the data folder from a checkpoint, or add the documents again"
        return BadDependencyReply(ErrorKind.SERVER_ERROR, Dependency.SQLITE, detail)
    why = getattr(error, "sqlite_errorname", type(error).__name__)
    return DependencyUnavailable(Dependency.SQLITE, f"{path.name} cannot be searched ({why}); check the data folder")
