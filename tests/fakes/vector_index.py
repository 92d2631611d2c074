"""A vector index for tests: exact cosine over what is in memory."""

import math
from collections import deque
from collections.abc import Sequence

from service.embedding.port import EmbedderId
from service.errors import Dependency, DependencyUnavailable
from service.retrieval.port import Match, VectorRow


class FakeVectorIndex:
    """Implements `VectorIndex`. `away` makes every call fail as a store that is down; `failures` are raised first, one
    per call. `collections` holds what each embedder's collection holds, and outlives `close`, as a disk would."""

    def __init__(self) -> None:
        self.collections: dict[EmbedderId, dict[str, VectorRow]] = {}
        self.selected: EmbedderId | None = None
        self.away = False
        self.closed = False
        self.failures: deque[Exception] = deque()
        self.calls: list[str] = []

    async def select(self, embedder: EmbedderId) -> None:
        self._note("select")
        self.selected = embedder
        self.collections.setdefault(embedder, {})

    async def upsert(self, rows: Sequence[VectorRow]) -> None:
        self._note("upsert")
        self._rows().update((row.chunk_id, row) for row in rows)

    async def delete(self, document_ids: Sequence[str]) -> None:
        self._note("delete")
        rows = self._rows()
        for chunk_id in [key for key, row in rows.items() if row.document_id in set(document_ids)]:
            del rows[chunk_id]

    async def delete_chunks(self, chunk_ids: Sequence[str]) -> None:
        self._note("delete_chunks")
        for chunk_id in chunk_ids:
            self._rows().pop(chunk_id, None)

    async def drop_others(self) -> None:
        self._note("drop_others")
        self.collections = {key: rows for key, rows in self.collections.items() if key == self.selected}

    async def query(self, vector: Sequence[float], limit: int) -> tuple[Match, ...]:
        self._note("query")
        found = [(_distance(vector, row.vector), chunk_id) for chunk_id, row in self._rows().items()]
        return tuple(Match(chunk_id, 1 - distance, distance) for distance, chunk_id in sorted(found)[:limit])

    async def count(self) -> int:
        self._note("count")
        return len(self._rows())

    async def chunk_ids(self) -> frozenset[str]:
        self._note("chunk_ids")
        return frozenset(self._rows())

    async def ping(self) -> None:
        self._note("ping")

    async def close(self) -> None:
        self.closed = True

    def _note(self, call: str) -> None:
        self.calls.append(call)
        if self.failures:
            raise self.failures.popleft()
        if self.away:
            raise DependencyUnavailable(Dependency.CHROMA, "Chroma is away; start it")

    def _rows(self) -> dict[str, VectorRow]:
        if self.selected is None:
            raise DependencyUnavailable(Dependency.CHROMA, "no embedder has been selected yet")
        return self.collections.setdefault(self.selected, {})


def _distance(one: Sequence[float], other: Sequence[float]) -> float:
    lengths = math.hypot(*one) * math.hypot(*other)
    cosine = sum(a * b for a, b in zip(one, other, strict=True)) / lengths if lengths else 0.0
    return min(2.0, max(0.0, 1.0 - cosine))
