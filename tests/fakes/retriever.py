"""A retriever for tests."""

from collections import deque
from collections.abc import Sequence

from service.retrieval.port import Retrieved


class FakeRetriever:
    """Implements `Retriever`. Each call gives the next of `script`, a result or an error, and `found` once it is empty;
    `calls` holds text, vector and `top_k` of each."""

    def __init__(self, found: Retrieved | None = None, *script: Retrieved | Exception) -> None:
        self.found = found or Retrieved(())
        self.script: deque[Retrieved | Exception] = deque(script)
        self.calls: list[tuple[str, tuple[float, ...] | None, int]] = []

    async def retrieve(self, text: str, vector: Sequence[float] | None, top_k: int) -> Retrieved:
        self.calls.append((text, None if vector is None else tuple(vector), top_k))
        given = self.script.popleft() if self.script else self.found
        if isinstance(given, Exception):
            raise given
        return given
