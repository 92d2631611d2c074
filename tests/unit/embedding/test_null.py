"""No embedder."""

import pytest

from service.embedding.null import NullEmbedder
from service.errors import DependencyUnavailable


async def test_is_nobody_and_says_how_to_get_one() -> None:
    embedder = NullEmbedder()
    assert embedder.model == ""
    assert await embedder.identify() is None
    with pytest.raises(DependencyUnavailable, match="RAG_EMBEDDING__MODEL"):
        await embedder.embed(["text"])
