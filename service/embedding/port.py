"""Turning text into vectors: the port and its values."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Purpose(StrEnum):
    """What a text is embedded for: some models want a different prefix for a query than for a document."""

    QUERY = "query"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class EmbedderId:
    """Which vectors these are: they belong to a collection's name and are never mixed."""

    model: str
    digest: str
    dimensions: int


@dataclass(frozen=True, slots=True)
class Embedded:
    """Vectors in the order of the texts, and what making them took (seconds, tokens). `cached` = none was computed."""

    vectors: tuple[tuple[float, ...], ...]
    embedder: EmbedderId
    input_tokens: int = 0
    total_s: float = 0.0
    load_s: float = 0.0
    cached: bool = False


class Embedder(Protocol):
    """Makes vectors."""

    @property
    def model(self) -> str: ...

    async def identify(self) -> EmbedderId | None:
        """The embedder that would answer now, or None when there is none. Never raises."""
        ...

    async def embed(self, texts: Sequence[str], *, purpose: Purpose = Purpose.QUERY) -> Embedded:
        """Embed up to a few hundred texts. Raises `DependencyError`; `DependencyUnavailable` when there is none."""
        ...
