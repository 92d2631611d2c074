"""The open corpus file: one connection for writing, transactions, and what is kept in memory beside it. Blocking.

Used by one thread at a time; `shelf`, `version` and the embedder may be read from anywhere. Raises `ServiceError` only.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from service.clock import Clock
from service.corpus.failures import translated
from service.corpus.port import Document
from service.corpus.schema import open_corpus
from service.corpus.shelf import Shelf, Shelved
from service.embedding.port import EmbedderId
from service.errors import ErrorKind, ServiceError

COLUMNS = "id, source, media_type, size_bytes, chars, chunks, added_at, embedded, folder"


class CorpusFile:
    """Opened or created at once. `embedder` is the one whose vectors the documents have or wait for, and `active` says
    whether these may be searched: every chunk has been embedded once."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self.clock = clock
        self.shelf = Shelf()
        self.version = 0
        self.embedder: EmbedderId | None = None
        self.active = False
        self._db: sqlite3.Connection | None = None
        with translated(path):
            self._db = open_corpus(path)
        self.reload()

    def reload(self) -> None:
        """Read again what is kept in memory."""
        with self.reading() as db:
            rows = db.execute(f"SELECT {COLUMNS} FROM documents WHERE state = 'ready'")  # noqa: S608
            self.shelf.replace_all([shelved(row) for row in rows])
            self._note_meta(db)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        if self._db is None:
            raise ServiceError(ErrorKind.SHUTTING_DOWN, "the service is stopping; try again in a moment")
        with translated(self.path):
            yield self._db

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing. Version and embedder in memory follow once it is committed."""
        with self.reading() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
            self._note_meta(db)

    def raise_version(self, db: sqlite3.Connection) -> None:
        """To the present time in milliseconds, or by one: a copy restored from yesterday never gives a number again
        that today's cached answers were made under."""
        now_ms = int(self.clock.time() * 1000)
        db.execute("UPDATE meta SET value = max(value + 1, ?) WHERE name = 'version'", (now_ms,))

    def settle(self, db: sqlite3.Connection, *, strict: bool = False) -> None:
        """Decide anew whether vectors may be searched; a change of that is a new version.

        Once they may, a document that waits does not change it, unless `strict`: a few passages found by their words
        alone are better than none found by their meaning.
        """
        before, embedder = bool(_meta(db, "active")), _meta(db, "embedder")
        waiting = db.execute("SELECT EXISTS (SELECT 1 FROM documents WHERE state = 'ready' AND embedded = 0)")
        complete = not waiting.fetchone()[0]
        active = bool(embedder) and (complete or (before and not strict))
        if active != before:
            db.execute("UPDATE meta SET value = ? WHERE name = 'active'", (int(active),))
            self.raise_version(db)

    def close(self) -> None:
        """Note that the file was left whole. Safe to call twice."""
        if self._db is not None:
            db, self._db = self._db, None
            with translated(self.path), closing(db):
                db.execute("UPDATE meta SET value = 1 WHERE name = 'clean'")

    def _note_meta(self, db: sqlite3.Connection) -> None:
        self.version = int(_meta(db, "version"))
        stored = _meta(db, "embedder")
        self.embedder = EmbedderId(*json.loads(stored)) if stored else None
        self.active = bool(_meta(db, "active"))


def shelved(row: tuple[Any, ...]) -> Shelved:
    """One row of `COLUMNS`."""
    identity, source, media_type, size_bytes, chars, chunks, added_at, embedded, folder = row
    document = Document(identity, source, media_type, size_bytes, chars, chunks, added_at, bool(embedded))
    return Shelved(document, folder)


def _meta(db: sqlite3.Connection, name: str) -> Any:
    return db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()[0]
