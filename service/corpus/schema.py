"""The corpus file: its tables, and how it is opened.

`chunks.text` runs from the chunk's `cut` to the next chunk's, so that the texts of a document's chunks, joined, are the
document's text, and nothing is kept twice. `words` is an FTS5 index over it, and holds ready documents only: what is
pending cannot be found, by construction. `tombstones` names documents whose vectors have still to be removed.
`retrieval/fts.py` reads these tables too.

Write-ahead log, `synchronous=FULL`: what was acknowledged survives a power cut. Mode 0600.
"""

import os
import sqlite3
from pathlib import Path

from service.corpus.failures import damaged
from service.errors import BadDependencyReply, Dependency, ErrorKind

SCHEMA_VERSION = 1
# How long another process (a backup, a shell) may hold the file before a write fails.
BUSY_S = 5.0

_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('version', 0), ('embedder', ''), ('active', 0), ('clean', 1);
CREATE TABLE documents (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, folder TEXT NOT NULL, source TEXT NOT NULL,
  media_type TEXT NOT NULL, size_bytes INTEGER NOT NULL, chars INTEGER NOT NULL, chunks INTEGER NOT NULL,
  added_at REAL NOT NULL, state TEXT NOT NULL CHECK (state IN ('pending', 'ready')), embedded INTEGER NOT NULL
);
CREATE UNIQUE INDEX documents_source ON documents (folder, source) WHERE state = 'ready';
CREATE INDEX documents_name ON documents (source);
CREATE INDEX documents_waiting ON documents (number) WHERE state = 'ready' AND embedded = 0;
CREATE TABLE chunks (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, document INTEGER NOT NULL REFERENCES documents (number),
  cut INTEGER NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL, sentences TEXT NOT NULL, text TEXT NOT NULL
);
CREATE INDEX chunks_document ON chunks (document);
CREATE TABLE tombstones (document_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5(
  text, content='chunks', content_rowid='number', tokenize='porter unicode61 remove_diacritics 2'
);
"""


def open_corpus(path: Path) -> sqlite3.Connection:
    """Open or create the file. Raises `sqlite3.Error`, `OSError`, `ServiceError` (newer schema, damage, no FTS5)."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)
    db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        require_fts5(db)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("PRAGMA foreign_keys=ON")
        db.execute("PRAGMA cache_size=-16000")
        _prepare(db, path)
    except BaseException:
        db.close()
        raise
    return db


def open_reader(path: Path) -> sqlite3.Connection:
    """A second connection that only reads, and never waits for the writer. Raises `sqlite3.Error`."""
    # Not `mode=ro`: the first reader after a crash has to write the shared memory beside the log.
    db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA query_only=ON")
    return db


def require_fts5(db: sqlite3.Connection) -> None:
    """Raises `BadDependencyReply` when this SQLite cannot search text."""
    try:
        db.execute("CREATE VIRTUAL TABLE temp.probe USING fts5(text)")
        db.execute("DROP TABLE temp.probe")
    except sqlite3.OperationalError as error:
        if "fts5" not in str(error):
            raise
        detail = (
            f"the SQLite {sqlite3.sqlite_version} of this Python was built without FTS5, which finds documents by "
            "their words; use a Python whose SQLite has it, such as those of python.org and of Debian"
        )
        raise BadDependencyReply(ErrorKind.SERVER_ERROR, Dependency.SQLITE, detail) from error


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    found = db.execute("PRAGMA user_version").fetchone()[0]
    if found > SCHEMA_VERSION:
        detail = (
            f"{path.name} was written by a newer emini-rag (schema {found}, this one knows {SCHEMA_VERSION}); "
            "upgrade, or use another data folder"
        )
        raise BadDependencyReply(ErrorKind.SERVER_ERROR, Dependency.SQLITE, detail)
    if found == 0:
        # One transaction, version included: a kill in the middle leaves an empty file, which is begun again.
        db.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;")
    clean = db.execute("SELECT value FROM meta WHERE name = 'clean'").fetchone()
    # After a crash only: reading the whole file takes a second for a large corpus.
    if clean is None or (not clean[0] and db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok"):
        raise damaged(path)
    db.execute("UPDATE meta SET value = 0 WHERE name = 'clean'")
