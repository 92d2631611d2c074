"""Which documents there are, with their chunks and words. Blocking.

Every change is one transaction. `begin` stores a document as pending, which nobody can find; `publish` makes it ready,
removes the document that it replaces (of the same name and folder; an upload knows no folder and replaces the youngest
of its name), and raises the version, all at once. Writes come from one thread at a time;
`find`, `documents`, `of_folder` and `text` may be called from anywhere. Raises `ServiceError` only (STORAGE_FULL when
the disk is), and leaves everything as it was then.
"""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace

from service.corpus.corpus_file import COLUMNS, CorpusFile, shelved
from service.corpus.draft import Draft
from service.corpus.failures import translated
from service.corpus.port import Document
from service.corpus.schema import open_reader
from service.corpus.shelf import Shelved
from service.errors import NotFound

_ADD_DOCUMENT = (
    "INSERT INTO documents (id, folder, source, media_type, size_bytes, chars, chunks, added_at, state, embedded) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'pending', 0)"
)
_ADD_CHUNK = 'INSERT INTO chunks (id, document, cut, start, "end", sentences, text) VALUES (?, ?, ?, ?, ?, ?, ?)'
_ADD_WORDS = "INSERT INTO words (rowid, text) SELECT number, text FROM chunks WHERE document = ?"
_DROP_WORDS = "INSERT INTO words (words, rowid, text) SELECT 'delete', number, text FROM chunks WHERE document = ?"
_TEXT = (
    "SELECT c.text FROM chunks c JOIN documents d ON d.number = c.document "
    "WHERE d.id = ? AND d.state = 'ready' ORDER BY c.number"
)

Published = tuple[Document, Document | None]


class Registry:
    """The documents in one `CorpusFile`. A `Published` is the new document, and the one that it replaced."""

    def __init__(self, file: CorpusFile) -> None:
        self._file = file

    def find(self, document_id: str) -> Shelved | None:
        """A ready document, from memory."""
        return self._file.shelf.find(document_id)

    def documents(self) -> tuple[Document, ...]:
        """The ready documents by source, from memory."""
        return self._file.shelf.documents()

    def of_folder(self, folder: str) -> tuple[Document, ...]:
        """Those that were read from this folder, from memory."""
        return self._file.shelf.of_folder(folder)

    def begin(self, draft: Draft) -> None:
        """Store it as pending. Whatever else is pending was left behind by a write that failed, and goes."""
        with self._file.transaction() as db:
            _discard_pending(db)
            self._insert(db, draft)

    def publish(self, document_id: str, *, embedded: bool) -> Published:
        """Make a pending document ready. Raises `NotFound`."""
        with self._file.transaction() as db:
            published = self._publish(db, document_id, embedded=embedded)
        return self._show(published)

    def add(self, draft: Draft) -> Published:
        """`begin` and `publish` in one, without vectors."""
        with self._file.transaction() as db:
            _discard_pending(db)
            self._insert(db, draft)
            published = self._publish(db, draft.id, embedded=False)
        return self._show(published)

    def discard(self) -> None:
        """Forget what is pending."""
        with self._file.transaction() as db:
            _discard_pending(db)

    def finish_pending(self) -> int:
        """Publish, without vectors, what a killed process had stored whole; how many. At start only."""
        with self._file.transaction() as db:
            ids = [row[0] for row in db.execute("SELECT id FROM documents WHERE state = 'pending' ORDER BY number")]
            for document_id in ids:
                self._publish(db, document_id, embedded=False)
        self._file.reload()
        return len(ids)

    def adopt(self, document_id: str, folder: str) -> Published:
        """A folder (empty: an upload) gives what is here already: it is that folder's from now on, in place of what
        the folder gave under this name before. An upload stays one. Raises `NotFound`."""
        known = self._known(document_id)
        new = replace(known, folder=folder) if known.folder else known
        with self._file.transaction() as db:
            old = _named(db, folder, known.document.source)
            if old is not None and old.id != document_id:
                _remove(db, old.id)
                self._file.raise_version(db)
                self._file.settle(db)
            else:
                old = None
            db.execute("UPDATE documents SET folder = ? WHERE id = ?", (new.folder, document_id))
        return self._show((new, old))

    def remove(self, document_id: str) -> Document:
        """Gone for every reader; a tombstone names its vectors. Raises `NotFound`."""
        document = self._known(document_id).document
        with self._file.transaction() as db:
            _remove(db, document_id)
            self._file.raise_version(db)
            self._file.settle(db)
        self._file.shelf.drop(document_id)
        return document

    def text(self, document_id: str) -> str:
        """The whole text, over a connection of its own. Raises `NotFound`."""
        self._known(document_id)
        with translated(self._file.path), closing(open_reader(self._file.path)) as db:
            pieces = [row[0] for row in db.execute(_TEXT, (document_id,))]
        if not pieces:
            raise _not_found()
        return "".join(pieces)

    def _known(self, document_id: str) -> Shelved:
        known = self.find(document_id)
        if known is None:
            raise _not_found()
        return known

    def _insert(self, db: sqlite3.Connection, draft: Draft) -> None:
        # The vectors of a deleted document that comes back are its own again.
        db.execute("DELETE FROM tombstones WHERE document_id = ?", (draft.id,))
        size = (draft.size_bytes, draft.chars, len(draft.chunks))
        values = (draft.id, draft.folder, draft.source, draft.media_type, *size, self._file.clock.time())
        number = db.execute(_ADD_DOCUMENT, values).lastrowid
        db.executemany(
            _ADD_CHUNK,
            (
                (
                    one.id,
                    number,
                    one.cut,
                    one.start,
                    one.end,
                    json.dumps(one.sentences, separators=(",", ":")),
                    one.text,
                )
                for one in draft.chunks
            ),
        )

    def _publish(self, db: sqlite3.Connection, document_id: str, *, embedded: bool) -> tuple[Shelved, Document | None]:
        query = f"SELECT number, {COLUMNS} FROM documents WHERE id = ? AND state = 'pending'"  # noqa: S608
        found = db.execute(query, (document_id,)).fetchone()
        if found is None:
            raise _not_found()
        number, new = found[0], shelved(found[1:])
        new = replace(new, document=replace(new.document, embedded=embedded))
        old = _named(db, new.folder, new.document.source) or _youngest(db, new)
        if old is not None:
            _remove(db, old.id)
        db.execute(_ADD_WORDS, (number,))
        db.execute("UPDATE documents SET state = 'ready', embedded = ? WHERE number = ?", (int(embedded), number))
        self._file.raise_version(db)
        self._file.settle(db)
        return new, old

    def _show(self, published: tuple[Shelved, Document | None]) -> Published:
        new, old = published
        if old is not None:
            self._file.shelf.drop(old.id)
        self._file.shelf.put(new)
        return new.document, old


def _named(db: sqlite3.Connection, folder: str, source: str) -> Document | None:
    query = f"SELECT {COLUMNS} FROM documents WHERE folder = ? AND source = ? AND state = 'ready'"  # noqa: S608
    row = db.execute(query, (folder, source)).fetchone()
    return shelved(row).document if row else None


def _youngest(db: sqlite3.Connection, new: Shelved) -> Document | None:
    """What an upload replaces when nothing was uploaded under its name: it knows no folder, only the name."""
    if new.folder:
        return None
    query = f"SELECT {COLUMNS} FROM documents WHERE source = ? AND state = 'ready' ORDER BY number DESC"  # noqa: S608
    row = db.execute(query, (new.document.source,)).fetchone()
    return shelved(row).document if row else None


def _discard_pending(db: sqlite3.Connection) -> None:
    for number, document_id in db.execute("SELECT number, id FROM documents WHERE state = 'pending'").fetchall():
        _drop_rows(db, number, document_id)


def _remove(db: sqlite3.Connection, document_id: str) -> None:
    """A ready document, its chunks and its words."""
    (number,) = db.execute("SELECT number FROM documents WHERE id = ?", (document_id,)).fetchone()
    db.execute(_DROP_WORDS, (number,))
    _drop_rows(db, number, document_id)


def _drop_rows(db: sqlite3.Connection, number: int, document_id: str) -> None:
    db.execute("DELETE FROM chunks WHERE document = ?", (number,))
    db.execute("DELETE FROM documents WHERE number = ?", (number,))
    # Without an embedder there never were vectors.
    db.execute(
        "INSERT OR IGNORE INTO tombstones SELECT ? FROM meta WHERE name = 'embedder' AND value <> ''", (document_id,)
    )


def _not_found() -> NotFound:
    return NotFound("there is no document with this id; GET /documents lists those that there are")
