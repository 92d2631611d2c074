"""`search fts`: the full-text search in SQLite."""

from collections.abc import Sequence

from service.retrieval.port import KeywordIndex, Match, Passage
from service.telemetry.catalogue import Attribute, SpanName
from service.telemetry.stage import Attributes, Stages

_ATTRIBUTES: Attributes = {
    Attribute.DB_SYSTEM: "sqlite",
    Attribute.DB_OPERATION: "search",
    Attribute.DB_COLLECTION: "fts",
}


class InstrumentedKeywordIndex:
    """Implements `KeywordIndex`."""

    def __init__(self, inner: KeywordIndex, stages: Stages) -> None:
        self._inner = inner
        self._stages = stages

    async def search(self, text: str, limit: int) -> tuple[Match, ...]:
        with self._stages.start(SpanName.SEARCH_FTS, attributes=_ATTRIBUTES) as span:
            matches = await self._inner.search(text, limit)
            span.note(lambda: {Attribute.DB_RETURNED: len(matches)})
        return matches

    async def passages(self, matches: Sequence[Match]) -> tuple[Passage, ...]:
        return await self._inner.passages(matches)
