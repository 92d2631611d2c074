"""Reading a file into text: the port and its values.

Extraction is deterministic: the same bytes under the same name give the same text, and every offset kept elsewhere
(chunks, sentences, citations) counts characters of that text.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class MediaType(StrEnum):
    """What can be read."""

    MARKDOWN = "text/markdown"
    PLAIN = "text/plain"
    HTML = "text/html"
    PDF = "application/pdf"
    CSV = "text/csv"
    JSON = "application/json"


@dataclass(frozen=True, slots=True)
class LoadedDocument:
    """Extracted text without hidden characters. `title` is never empty; `pages` is 0 for types that have none."""

    text: str
    media_type: str
    title: str
    pages: int = 0


@dataclass(frozen=True, slots=True)
class ParseLimits:
    """What one document may hold."""

    max_pages: int
    max_text_chars: int


class Loader(Protocol):
    """Turns a file's bytes into text."""

    async def load(self, name: str, content: bytes) -> LoadedDocument:
        """Raises `UnsupportedDocument` (what is wrong, and what to do) or `TooLarge`. Nothing is written or fetched."""
        ...

    async def close(self) -> None:
        """Give back whatever reading needs; a later `load` starts afresh."""
        ...
