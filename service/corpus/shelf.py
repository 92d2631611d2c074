"""The ready documents as kept in memory, so that the corpus's size and list cost no query. Safe in any thread."""

import threading
from dataclasses import dataclass

from service.corpus.port import Document


@dataclass(frozen=True, slots=True)
class Shelved:
    """One ready document and the folder that gave it (empty: an upload)."""

    document: Document
    folder: str


class Shelf:
    """Documents by id, with their sums kept as they come and go."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._by_id: dict[str, Shelved] = {}
        self._sorted: tuple[Document, ...] | None = ()
        self.chunks = 0
        self.pending_chunks = 0

    def __len__(self) -> int:
        return len(self._by_id)

    def find(self, document_id: str) -> Shelved | None:
        return self._by_id.get(document_id)

    def put(self, shelved: Shelved) -> None:
        """Add, or replace what has the same id."""
        with self._guard:
            self._take(shelved.document.id)
            self._by_id[shelved.document.id] = shelved
            self._count(shelved.document, 1)

    def drop(self, document_id: str) -> None:
        with self._guard:
            self._take(document_id)

    def replace_all(self, shelved: list[Shelved]) -> None:
        with self._guard:
            self._by_id = {one.document.id: one for one in shelved}
            self._sorted = None
            self.chunks = sum(one.document.chunks for one in shelved)
            self.pending_chunks = sum(one.document.chunks for one in shelved if not one.document.embedded)

    def documents(self) -> tuple[Document, ...]:
        """By source."""
        with self._guard:
            if self._sorted is None:
                documents = (one.document for one in self._by_id.values())
                self._sorted = tuple(sorted(documents, key=lambda document: (document.source, document.id)))
            return self._sorted

    def of_folder(self, folder: str) -> tuple[Document, ...]:
        """What this folder gave, by source."""
        with self._guard:
            given = [one.document for one in self._by_id.values() if one.folder == folder]
        return tuple(sorted(given, key=lambda document: document.source))

    def _take(self, document_id: str) -> None:
        old = self._by_id.pop(document_id, None)
        if old is not None:
            self._count(old.document, -1)

    def _count(self, document: Document, sign: int) -> None:
        self._sorted = None
        self.chunks += sign * document.chunks
        self.pending_chunks += sign * document.chunks * (not document.embedded)
