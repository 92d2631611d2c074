"""Vectors in Chroma. The only module that imports it; where it runs is in `chroma_store.py`.

Chroma is imported and opened in a worker thread at first use (a second or two), so that the service starts at once. A
server that was away is found again by the next call.

Vectors are always our own. Neither Chroma's product telemetry nor its tracing is ever switched on: its tracing would
replace this service's.
"""

import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from service.clock import Clock
from service.embedding.port import EmbedderId
from service.errors import (
    BadDependencyReply,
    Dependency,
    DependencyError,
    DependencyTimeout,
    DependencyUnavailable,
    ErrorKind,
)
from service.retrieval.chroma_failures import translated
from service.retrieval.chroma_store import Store
from service.retrieval.collection_name import collection_name, corpus_prefix
from service.retrieval.port import Match, VectorRow
from service.retrieval.threads import WorkerThreads

if TYPE_CHECKING:
    from chromadb.api import ServerAPI
    from chromadb.api.collection_configuration import CreateHNSWConfiguration
    from chromadb.api.models.Collection import Collection
    from chromadb.config import System

T = TypeVar("T")

# Also below what Chroma's server takes as one body (60 MB), with any embedder.
_ROWS_PER_CALL = 500
_DOCUMENTS_PER_CALL = 100
_COLLECTIONS_PER_CALL = 1000
# Twice Chroma's default efforts: with those, a few of the twenty nearest are missed even among 250 vectors.
_HNSW: "CreateHNSWConfiguration" = {"space": "cosine", "ef_construction": 200, "ef_search": 200}
_CLOSE_S = 2.0
_DOCUMENT = "document_id"


class ChromaIndex:
    """Implements `VectorIndex`. `timeout_s` bounds queries and probes, `write_timeout_s` everything else.

    `corpus` keeps corpora apart that share one store. `headers` is asked on the event loop for each call, for trace
    context. Belongs to one event loop.
    """

    def __init__(
        self,
        store: Store,
        *,
        corpus: str = "default",
        timeout_s: float = 2.0,
        write_timeout_s: float = 60.0,
        threads: int = 4,
        headers: Callable[[], Mapping[str, str]] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._store = store
        self._corpus = corpus
        self._timeout_s = timeout_s
        self._write_timeout_s = write_timeout_s
        self._headers = headers or dict
        self._threads = WorkerThreads(threads, clock=clock)
        self._opening = threading.Lock()
        self._selected: EmbedderId | None = None
        self._collection: tuple[str, Collection] | None = None
        self._closed = False

    async def select(self, embedder: EmbedderId) -> None:
        await self._run(partial(self._select, embedder), self._write_timeout_s)

    async def upsert(self, rows: Sequence[VectorRow]) -> None:
        # Chroma refuses an id that comes twice in one call; the last one counts.
        unique = list({row.chunk_id: row for row in rows}.values())
        for batch in _batches(unique, _ROWS_PER_CALL):
            await self._run(partial(self._upsert, batch), self._write_timeout_s)

    async def delete(self, document_ids: Sequence[str]) -> None:
        for batch in _batches(document_ids, _DOCUMENTS_PER_CALL):
            await self._run(partial(self._delete, where={_DOCUMENT: {"$in": list(batch)}}), self._write_timeout_s)

    async def delete_chunks(self, chunk_ids: Sequence[str]) -> None:
        for batch in _batches(chunk_ids, _ROWS_PER_CALL):
            await self._run(partial(self._delete, ids=list(batch)), self._write_timeout_s)

    async def drop_others(self) -> None:
        await self._run(self._drop_others, self._write_timeout_s)

    async def query(self, vector: Sequence[float], limit: int) -> tuple[Match, ...]:
        return await self._run(partial(self._query, vector, limit), self._timeout_s)

    async def count(self) -> int:
        return await self._run(self._count, self._write_timeout_s)

    async def chunk_ids(self) -> frozenset[str]:
        return await self._run(self._chunk_ids, self._write_timeout_s)

    async def vectors(self, chunk_ids: Sequence[str]) -> dict[str, tuple[float, ...]]:
        """Those that are kept under these ids; for whoever checks a copy."""
        found: dict[str, tuple[float, ...]] = {}
        for batch in _batches(chunk_ids, _ROWS_PER_CALL):
            found |= await self._run(partial(self._vectors, list(batch)), self._write_timeout_s)
        return found

    async def ping(self) -> None:
        """Searches once where there is a collection: a store can be up and its index be damaged."""
        try:
            await self._run(self._probe, self._timeout_s)
        except DependencyUnavailable:
            raise
        except DependencyError as error:
            raise DependencyUnavailable(Dependency.CHROMA, error.detail) from error

    async def close(self) -> None:
        """Gives the store back. A call that hangs is left behind."""
        if self._closed:
            return
        self._closed = True
        with suppress(TimeoutError, Exception):
            await self._threads.run(self._store.close, _CLOSE_S)
        self._threads.close()

    # -- in a worker thread --------------------------------------------------------------------------------------

    def _open(self) -> "ServerAPI":
        with self._opening:
            return cast("ServerAPI", self._store.open(_build))

    def _select(self, embedder: EmbedderId) -> None:
        name = collection_name(self._corpus, embedder)
        self._collection = (name, self._resolve(name, create=True))
        self._selected = embedder

    def _resolve(self, name: str, *, create: bool) -> "Collection":
        # Opened first, under a lock: two threads that import the package at once fail.
        server = self._open()
        from chromadb.api.models.Collection import Collection  # noqa: PLC0415

        if create:
            model = server.create_collection(name, configuration={"hnsw": _HNSW}, get_or_create=True)
        else:
            model = server.get_collection(name)
        return Collection(server, model, embedding_function=None)

    def _on_collection(self, call: "Callable[[Collection], T]", *, create: bool = True) -> T:
        """Call with the selected collection. One that is gone was lost with its server's data: it is made again for
        writers and counters, who fill it, but is an error for a query, which would find nothing and not say why."""
        if self._collection is None:
            raise DependencyUnavailable(Dependency.CHROMA, "no embedder has been seen yet, so there are no vectors")
        from chromadb.errors import NotFoundError  # noqa: PLC0415

        name, collection = self._collection
        try:
            return call(collection)
        except NotFoundError:
            collection = self._resolve(name, create=create)
            self._collection = (name, collection)
            return call(collection)

    def _upsert(self, rows: Sequence[VectorRow]) -> None:
        ids = [row.chunk_id for row in rows]
        vectors: list[Sequence[float]] = [list(row.vector) for row in rows]
        documents = [{_DOCUMENT: row.document_id} for row in rows]
        self._on_collection(
            lambda collection: collection.upsert(ids=ids, embeddings=vectors, metadatas=documents)  # type: ignore[arg-type]
        )

    def _delete(self, **which: Any) -> None:
        self._on_collection(lambda collection: collection.delete(**which))

    def _count(self) -> int:
        return self._on_collection(lambda collection: collection.count())

    def _chunk_ids(self) -> frozenset[str]:
        return frozenset(self._on_collection(lambda collection: collection.get(include=[]))["ids"])

    def _vectors(self, chunk_ids: list[str]) -> dict[str, tuple[float, ...]]:
        found = self._on_collection(lambda collection: collection.get(chunk_ids, include=["embeddings"]), create=False)
        rows = found["embeddings"]
        given = [] if rows is None else [tuple(map(float, row)) for row in rows]
        return dict(zip(found["ids"], given, strict=True))

    def _query(self, vector: Sequence[float], limit: int) -> tuple[Match, ...]:
        asked: list[Sequence[float] | Sequence[int]] = [list(vector)]
        found = self._on_collection(
            lambda collection: collection.query(asked, n_results=limit, include=["distances"]), create=False
        )
        ids, distances = found["ids"][0], (found["distances"] or [[]])[0]
        if len(ids) != len(distances) or any(math.isnan(distance) for distance in distances):
            detail = "Chroma gave distances that are no numbers; the question's vector or the stored ones are broken"
            raise BadDependencyReply(ErrorKind.BAD_GATEWAY, Dependency.CHROMA, detail)
        return tuple(Match(id_, 1 - distance, distance) for id_, distance in zip(ids, distances, strict=True))

    def _drop_others(self) -> None:
        if self._collection is None:
            return
        server, own = self._open(), corpus_prefix(self._corpus)
        for model in list(server.list_collections(limit=_COLLECTIONS_PER_CALL)):
            if model.name.startswith(own) and model.name != self._collection[0]:
                server.delete_collection(model.name)

    def _probe(self) -> None:
        self._open().heartbeat()
        if self._selected is not None:
            self._query((1.0, *(0.0,) * (self._selected.dimensions - 1)), 1)

    # -- at the edge ---------------------------------------------------------------------------------------------

    async def _run(self, call: Callable[[], T], timeout_s: float) -> T:
        if self._closed:
            raise DependencyUnavailable(Dependency.CHROMA, "the vector store is closed; the service is stopping")
        headers = self._headers()
        try:
            value, _ = await self._threads.run(partial(self._attempt, call, headers, timeout_s), timeout_s)
        except TimeoutError as error:
            detail = f"Chroma did not answer within {timeout_s:g} s; {self._store.trouble}"
            raise DependencyTimeout(Dependency.CHROMA, detail) from error
        return value

    def _attempt(self, call: Callable[[], T], headers: Mapping[str, str], timeout_s: float) -> T:
        with translated(self._store.trouble):
            self._store.call(headers, timeout_s)
            return call()


def _build(**values: Any) -> "tuple[System, ServerAPI]":
    """Chroma's parts, not started. No `.env` file is read, and no variable of the environment can switch tracing on."""
    from chromadb.api import ServerAPI  # noqa: PLC0415
    from chromadb.config import Settings, System  # noqa: PLC0415

    settings = Settings(
        _env_file=None,
        anonymized_telemetry=False,
        chroma_otel_granularity=None,
        chroma_otel_collection_endpoint="",
        **values,
    )
    system = System(settings)
    return system, system.instance(ServerAPI)  # type: ignore[type-abstract]


def _batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
