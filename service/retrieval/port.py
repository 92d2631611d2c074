"""Finding passages: the ports and their values. Offsets are characters in the document's extracted text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from service.embedding.port import EmbedderId


@dataclass(frozen=True, slots=True)
class Passage:
    """One chunk as found. `sentences` are (start, end) offsets in the document, inside [start, end)."""

    chunk_id: str
    document_id: str
    source: str
    text: str
    start: int
    end: int
    score: float
    sentences: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """One hit of one index. `score`: higher is better; `distance` only from a vector index (cosine, 0..2)."""

    chunk_id: str
    score: float
    distance: float | None = None


@dataclass(frozen=True, slots=True)
class Retrieved:
    """Passages above the floor, best first, and how they were found.

    `candidates` counts hits per index ("vector", "keyword") before fusion. `best_score` and `best_distance` are of the
    best candidate, also when it is below the floor. `degraded` lists "no_embedder", "chroma_unavailable".
    `waited_s` is the time spent waiting for a worker thread.
    """

    passages: tuple[Passage, ...]
    candidates: Mapping[str, int] = field(default_factory=dict)
    best_score: float | None = None
    best_distance: float | None = None
    degraded: tuple[str, ...] = ()
    waited_s: float = 0.0


@dataclass(frozen=True, slots=True)
class VectorRow:
    """One vector to keep, under its chunk's id."""

    chunk_id: str
    document_id: str
    vector: tuple[float, ...]


class Retriever(Protocol):
    """Hybrid search over the whole corpus."""

    async def retrieve(self, text: str, vector: Sequence[float] | None, top_k: int) -> Retrieved:
        """At most `top_k` passages. Without a vector: keywords alone. Raises `DependencyError`."""
        ...


class VectorIndex(Protocol):
    """Vectors by cosine distance, one collection per embedder. Raises `DependencyError`."""

    async def select(self, embedder: EmbedderId) -> None:
        """Use (and make, if absent) the collection of this embedder from now on."""
        ...

    async def upsert(self, rows: Sequence[VectorRow]) -> None: ...

    async def delete(self, document_ids: Sequence[str]) -> None: ...

    async def delete_chunks(self, chunk_ids: Sequence[str]) -> None:
        """Remove single vectors, unknown ids included; used by repair only."""
        ...

    async def drop_others(self) -> None:
        """Remove this corpus's collections of every embedder but the selected one: what is deleted stays nowhere."""
        ...

    async def query(self, vector: Sequence[float], limit: int) -> tuple[Match, ...]: ...

    async def count(self) -> int: ...

    async def chunk_ids(self) -> frozenset[str]:
        """Every id present; used by repair only."""
        ...

    async def ping(self) -> None:
        """Raises `DependencyUnavailable` when it cannot serve."""
        ...

    async def close(self) -> None: ...


class KeywordIndex(Protocol):
    """BM25 over the ready chunks, and the chunks themselves."""

    async def search(self, text: str, limit: int) -> tuple[Match, ...]: ...

    async def passages(self, matches: Sequence[Match]) -> tuple[Passage, ...]:
        """The chunks of `matches` in the same order, each with its score; ids that are gone are left out."""
        ...
