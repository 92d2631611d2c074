"""An embedder for tests: the same words give near vectors, without a model."""

import hashlib
import math
import re
from collections import deque
from collections.abc import Sequence

from service.embedding.port import Embedded, EmbedderId, Purpose
from service.errors import Dependency, DependencyUnavailable

_WORD = re.compile(r"\w+")


class FakeEmbedder:
    """Implements `Embedder`: a hashed bag of words. `away` makes it a server that is not there; `failures` are raised
    first, one per call. `digest` and `dimensions` may be changed: it is then another embedder."""

    def __init__(self, model: str = "fake-embed", digest: str = "d1", dimensions: int = 64) -> None:
        self._model = model
        self.digest = digest
        self.dimensions = dimensions
        self.away = False
        self.failures: deque[Exception] = deque()
        self.identified = 0
        self.calls: list[tuple[tuple[str, ...], Purpose]] = []

    @property
    def model(self) -> str:
        return self._model

    @property
    def embedder(self) -> EmbedderId:
        """What `identify` says while it is not away."""
        return EmbedderId(self._model, self.digest, self.dimensions)

    async def identify(self) -> EmbedderId | None:
        self.identified += 1
        return None if self.away else self.embedder

    async def embed(self, texts: Sequence[str], *, purpose: Purpose = Purpose.QUERY) -> Embedded:
        self.calls.append((tuple(texts), purpose))
        if self.failures:
            raise self.failures.popleft()
        if self.away:
            raise DependencyUnavailable(Dependency.OLLAMA, "the embedder is away; start Ollama")
        vectors = tuple(self.vector(text) for text in texts)
        return Embedded(vectors, self.embedder, input_tokens=sum(len(_WORD.findall(text)) for text in texts))

    def vector(self, text: str) -> tuple[float, ...]:
        """Of length one; another digest gives another vector for the same text."""
        counts = [0.0] * self.dimensions
        for word in _WORD.findall(text.casefold()):
            place = hashlib.blake2b(f"{self.digest}:{word}".encode(), digest_size=8).digest()
            counts[int.from_bytes(place, "big") % self.dimensions] += 1.0
        length = math.sqrt(sum(count * count for count in counts))
        return tuple(count / length for count in counts) if length else (1.0, *counts[1:])
