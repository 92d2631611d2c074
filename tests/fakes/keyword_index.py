"""A keyword index for tests: passages in memory, found by counting shared words."""

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from service.retrieval.port import Match, Passage

_WORD = re.compile(r"\w+")


class FakeKeywordIndex:
    """Implements `KeywordIndex`. `failures` are raised first, one per call; `scripted` results of `search` are handed
    out before any are made; `calls` says what was asked."""

    def __init__(self, *passages: Passage) -> None:
        self.kept = {passage.chunk_id: passage for passage in passages}
        self.failures: deque[Exception] = deque()
        self.scripted: deque[tuple[Match, ...]] = deque()
        self.calls: list[tuple[str, str, int]] = []

    async def search(self, text: str, limit: int) -> tuple[Match, ...]:
        self._note("search", text, limit)
        if self.scripted:
            return self.scripted.popleft()
        asked = _words(text)
        shared = ((len(asked & _words(passage.text)), chunk_id) for chunk_id, passage in self.kept.items())
        best = sorted((-count, chunk_id) for count, chunk_id in shared if count)
        return tuple(Match(chunk_id, float(-count)) for count, chunk_id in best[:limit])

    async def passages(self, matches: Sequence[Match]) -> tuple[Passage, ...]:
        self._note("passages", "", len(matches))
        return tuple(
            replace(self.kept[match.chunk_id], score=match.score) for match in matches if match.chunk_id in self.kept
        )

    def _note(self, call: str, text: str, limit: int) -> None:
        self.calls.append((call, text, limit))
        if self.failures:
            raise self.failures.popleft()


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))
