"""No embedder: search goes by keywords alone."""

from collections.abc import Sequence

from service.embedding.port import Embedded, EmbedderId, Purpose
from service.errors import Dependency, DependencyUnavailable


class NullEmbedder:
    """Implements `Embedder` where none is configured."""

    @property
    def model(self) -> str:
        return ""

    async def identify(self) -> EmbedderId | None:
        return None

    async def embed(self, texts: Sequence[str], *, purpose: Purpose = Purpose.QUERY) -> Embedded:  # noqa: ARG002
        detail = "no embedding model is configured: set RAG_EMBEDDING__MODEL for search by meaning"
        raise DependencyUnavailable(Dependency.OLLAMA, detail)
