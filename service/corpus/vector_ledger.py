"""Which documents have vectors, whose, and which have still to go. Blocking, for the writer. Raises `ServiceError`."""

import json
from collections.abc import Iterable
from dataclasses import replace

from service.corpus.corpus_file import CorpusFile
from service.embedding.port import EmbedderId

_CHUNK_TEXTS = (
    'SELECT c.number, c.id, c.text, c.start - c.cut, c."end" - c.cut FROM chunks c '
    "JOIN documents d ON d.number = c.document WHERE d.id = ? AND c.number > ? ORDER BY c.number LIMIT ?"
)
_ALL_CHUNKS = "SELECT c.document, c.id FROM chunks c"


class VectorLedger:
    """Books about the vector index, which is another store and can be behind or ahead after a kill."""

    def __init__(self, file: CorpusFile) -> None:
        self._file = file

    @property
    def embedder(self) -> EmbedderId | None:
        """Whose vectors the documents have or wait for."""
        return self._file.embedder

    @property
    def active(self) -> bool:
        """Whether vectors may be searched."""
        return self._file.active

    @property
    def embedded_chunks(self) -> int:
        """How many vectors the index should hold at least, from memory."""
        return self._file.shelf.chunks - self._file.shelf.pending_chunks

    def use_embedder(self, embedder: EmbedderId) -> None:
        """From now on vectors are this embedder's: every document waits for them anew."""
        stored = json.dumps([embedder.model, embedder.digest, embedder.dimensions])
        with self._file.transaction() as db:
            db.execute("UPDATE documents SET embedded = 0")
            db.execute("UPDATE meta SET value = ? WHERE name = 'embedder'", (stored,))
            self._file.settle(db, strict=True)
        self._file.reload()

    def reconcile(self, present: frozenset[str]) -> frozenset[str]:
        """Note which documents have all their vectors; returns the ids in `present` that belong to no document."""
        with self._file.transaction() as db:
            chunks = db.execute(_ALL_CHUNKS).fetchall()
            missing = {(number,) for number, chunk_id in chunks if chunk_id not in present}
            db.execute("UPDATE documents SET embedded = 1 WHERE state = 'ready'")
            db.executemany("UPDATE documents SET embedded = 0 WHERE number = ?", missing)
            self._file.settle(db, strict=True)
        self._file.reload()
        return present.difference(chunk_id for _, chunk_id in chunks)

    def waiting(self) -> tuple[str, ...]:
        """Ids of ready documents without vectors, from memory."""
        return tuple(document.id for document in self._file.shelf.documents() if not document.embedded)

    def chunk_texts(self, document_id: str, after: int, limit: int) -> list[tuple[int, str, str]]:
        """(number, chunk id, text) of chunks behind number `after`, also of a pending document."""
        with self._file.reading() as db:
            rows = db.execute(_CHUNK_TEXTS, (document_id, after, limit)).fetchall()
        return [(number, chunk_id, text[start:end]) for number, chunk_id, text, start, end in rows]

    def mark_embedded(self, document_id: str) -> bool:
        """A ready document has all its vectors; False when it is gone."""
        known = self._file.shelf.find(document_id)
        if known is None:
            return False
        with self._file.transaction() as db:
            db.execute("UPDATE documents SET embedded = 1 WHERE id = ? AND state = 'ready'", (document_id,))
            if self._file.active:
                self._file.raise_version(db)
            self._file.settle(db)
        self._file.shelf.put(replace(known, document=replace(known.document, embedded=True)))
        return True

    def tombstones(self) -> tuple[str, ...]:
        """Ids of documents whose vectors may still be in the index."""
        with self._file.reading() as db:
            return tuple(row[0] for row in db.execute("SELECT document_id FROM tombstones"))

    def bury(self, document_ids: Iterable[str]) -> None:
        """Their vectors are gone."""
        with self._file.transaction() as db:
            db.executemany("DELETE FROM tombstones WHERE document_id = ?", [(one,) for one in document_ids])
