"""Question vectors kept in a cache: the same question costs the embedding model nothing the second time.

Only single questions are kept; a document is embedded once and lives in the vector index. A vector is stored as
32-bit floats, which is what Ollama computes with.
"""

import sys
from array import array
from collections.abc import Sequence

from service.cache.key import embedding_key
from service.cache.port import Cache, CacheControl, CacheEntry
from service.clock import Clock
from service.embedding.port import Embedded, Embedder, EmbedderId, Purpose

_DAY_S = 86_400.0
_FLOAT32 = "f"


class CachedEmbedder:
    """Wraps an `Embedder`. A cache that is broken or holds nonsense is as good as empty."""

    def __init__(self, inner: Embedder, cache: Cache, clock: Clock, *, ttl_s: float = _DAY_S) -> None:
        self._inner = inner
        self._cache = cache
        self._clock = clock
        self._ttl_s = ttl_s

    @property
    def model(self) -> str:
        return self._inner.model

    async def identify(self) -> EmbedderId | None:
        return await self._inner.identify()

    async def embed(self, texts: Sequence[str], *, purpose: Purpose = Purpose.QUERY) -> Embedded:
        """See `Embedder.embed`."""
        embedder = await self._inner.identify() if purpose is Purpose.QUERY and len(texts) == 1 else None
        if embedder is None:
            return await self._inner.embed(texts, purpose=purpose)
        control = CacheControl()
        key = embedding_key(model=embedder.model, digest=embedder.digest, text=texts[0])
        found = await self._cache.lookup((key,), control)
        vector = _unpacked(found.entry.payload, embedder.dimensions) if found.entry else None
        if vector is not None:
            return Embedded((vector,), embedder, cached=True)
        made = await self._inner.embed(texts, purpose=purpose)
        if made.embedder == embedder:  # else the model was replaced in between, and the key is another one's
            entry = CacheEntry(_packed(made.vectors[0]), self._clock.time(), self._ttl_s, cost_s=made.total_s)
            await self._cache.store(key, entry, control)
        return made


def _packed(vector: Sequence[float]) -> bytes:
    floats = array(_FLOAT32, vector)
    if sys.byteorder == "big":
        floats.byteswap()
    return floats.tobytes()


def _unpacked(payload: bytes, dimensions: int) -> tuple[float, ...] | None:
    floats = array(_FLOAT32)
    if len(payload) != dimensions * floats.itemsize:
        return None
    floats.frombytes(payload)
    if sys.byteorder == "big":
        floats.byteswap()
    return tuple(floats)
