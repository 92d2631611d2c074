"""Hybrid search: words (BM25) and vectors side by side, fused by rank.

Both indexes are asked at once. Reciprocal rank fusion (Cormack, Clarke and Buettcher, 2009; k = 60 as there) needs no
common scale, only two good rankings: it is used when there are vectors of the embedder that the corpus was embedded by.
Without them, or while Chroma is away, slow or resting after a failure, BM25 alone answers and the result says so. The
passages themselves are in SQLite; when that fails, the search fails.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from service.clock import Clock
from service.embedding.port import EmbedderId
from service.errors import DependencyError
from service.retrieval.port import KeywordIndex, Match, Passage, Retrieved, VectorIndex
from service.retrieval.relevance import relevance
from service.retrieval.threads import Waits

NO_EMBEDDER = "no_embedder"
CHROMA_UNAVAILABLE = "chroma_unavailable"

_RANK_CONSTANT = 60
# Candidates of each index. Deeper lists were measured and found less (recall@5 .958 with 20, .940 with 40): what is
# middling in both then outranks what is first in one.
_LEAST_CANDIDATES = 20
_CANDIDATES_PER_RESULT = 2


class HybridRetriever:
    """Implements `Retriever`.

    `active` names the embedder whose vectors may be searched, None while there are none. Below `floor` (see
    `relevance.py`) nothing is returned. Vectors are waited for `patience_s`, so that a slow store costs quality rather
    than the answer; after a failure they are not asked for `rest_s`.
    """

    def __init__(
        self,
        keywords: KeywordIndex,
        vectors: VectorIndex,
        active: Callable[[], EmbedderId | None],
        clock: Clock,
        *,
        floor: float,
        patience_s: float = 1.0,
        rest_s: float = 5.0,
    ) -> None:
        self._keywords = keywords
        self._vectors = vectors
        self._active = active
        self._clock = clock
        self._floor = floor
        self._patience_s = patience_s
        self._rest_s = rest_s
        self._rests_until = float("-inf")

    async def retrieve(self, text: str, vector: Sequence[float] | None, top_k: int) -> Retrieved:
        pool = max(_LEAST_CANDIDATES, _CANDIDATES_PER_RESULT * top_k)
        with Waits() as waits:
            worded, near, lack = await self._candidates(text, vector, pool)
            fused = fuse(worded, near) if near else worded
            passages = await self._keywords.passages(fused[:pool])
        distances = [match.distance for match in near if match.distance is not None]
        score = relevance(text, passages, distances, pool) if passages else None
        good = score is not None and score >= self._floor
        counts = {"keyword": len(worded), "vector": len(near)}
        return Retrieved(
            passages=_distinct(passages, top_k) if good else (),
            candidates=counts if lack is None else {"keyword": len(worded)},
            best_score=score,
            best_distance=distances[0] if distances else None,
            degraded=() if lack is None else (lack,),
            waited_s=waits.longest_s,
        )

    async def _candidates(
        self, text: str, vector: Sequence[float] | None, pool: int
    ) -> tuple[tuple[Match, ...], tuple[Match, ...], str | None]:
        """Hits by words, hits by vector, and why there are none of the latter."""
        nearest = asyncio.create_task(self._nearest(vector, pool))
        try:
            worded = await self._keywords.search(text, pool)
            near, lack = await nearest
        finally:
            nearest.cancel()
        return worded, near, lack

    async def _nearest(self, vector: Sequence[float] | None, pool: int) -> tuple[tuple[Match, ...], str | None]:
        active = self._active()
        if vector is None or active is None or len(vector) != active.dimensions:
            return (), NO_EMBEDDER
        if self._clock.monotonic() < self._rests_until:
            return (), CHROMA_UNAVAILABLE
        try:
            async with asyncio.timeout(self._patience_s):
                return await self._vectors.query(vector, pool), None
        except (DependencyError, TimeoutError):
            self._rests_until = self._clock.monotonic() + self._rest_s
            return (), CHROMA_UNAVAILABLE


def fuse(*rankings: Sequence[Match]) -> tuple[Match, ...]:
    """One ranking of several: each adds 1 / (60 + rank) to what it holds. Ties go by id, so that runs agree."""
    scores: dict[str, float] = {}
    distances: dict[str, float] = {}
    for ranking in rankings:
        for rank, match in enumerate(ranking, start=1):
            scores[match.chunk_id] = scores.get(match.chunk_id, 0.0) + 1 / (_RANK_CONSTANT + rank)
            if match.distance is not None:
                distances[match.chunk_id] = match.distance
    order = sorted(scores, key=lambda chunk_id: (-scores[chunk_id], chunk_id))
    return tuple(Match(chunk_id, scores[chunk_id], distances.get(chunk_id)) for chunk_id in order)


def _distinct(passages: Iterable[Passage], top_k: int) -> tuple[Passage, ...]:
    """The first `top_k` that say something new: the same words twice, or an overlapping piece of the same document,
    would take the place of another passage."""
    kept: list[Passage] = []
    texts: set[str] = set()
    for passage in passages:
        if len(kept) >= top_k:
            break
        text = " ".join(passage.text.split()).casefold()
        if text not in texts and not any(_overlap(passage, other) for other in kept):
            texts.add(text)
            kept.append(passage)
    return tuple(kept)


def _overlap(one: Passage, other: Passage) -> bool:
    return one.document_id == other.document_id and one.start < other.end and other.start < one.end
