"""Cutting a document's text into chunks of whole sentences, and naming chunks and documents by their content.

Pure. Offsets are characters of the document's text. A chunk is at most 1.5 times the target: whole sentences up to
the target, behind at most half a target of headings that belong to them. No overlap: neighbours can be read by offset.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from service.corpus.sentences import Span, guess_language, is_heading, split

# From this share of the target on, a heading starts a new chunk rather than joining the present one.
_FULL_ENOUGH = 0.4
# From this share on, a paragraph that does not fit goes to the next chunk as a whole.
_NEARLY_FULL = 0.6
_PARAGRAPH = re.compile(r"\n[ \t]*\n")


@dataclass(frozen=True, slots=True)
class ChunkSpan:
    """One chunk: [start, end) and the (start, end) of its sentences, all in the document's text."""

    start: int
    end: int
    sentences: tuple[Span, ...]


def document_id(source: str, content: bytes) -> str:
    """32 hex characters: the same bytes under the same name are the same document."""
    return _digest(source.encode("utf-8", "surrogatepass"), content)


def chunk_id(document_id: str, start: int, end: int, text: str) -> str:
    """32 hex characters: the same text at the same place of the same document is the same chunk."""
    return _digest(f"{document_id}:{start}:{end}".encode(), text.encode("utf-8", "surrogatepass"))


def chunk(text: str, *, target_chars: int, language: str | None = None) -> tuple[ChunkSpan, ...]:
    """Chunks in order, together holding every character that is not white space. Empty for blank text.

    `language` (`en`, `de`, ...) is guessed when not given. Raises `ValueError` for a target below one.
    """
    if target_chars < 1:
        raise ValueError(f"target_chars must be at least 1, got {target_chars}")
    packer = _Packer(text, target_chars)
    for start, end in _bounded(text, split(text, language or guess_language(text)), target_chars):
        packer.add(start, end)
    packer.flush()
    return tuple(packer.chunks)


class _Packer:
    """Collects sentences; gives a chunk away when the next sentence should not join it."""

    def __init__(self, text: str, target_chars: int) -> None:
        self.chunks: list[ChunkSpan] = []
        self._text = text
        self._target = target_chars
        self._held: list[Span] = []
        self._paragraph_end = 0

    def add(self, start: int, end: int) -> None:
        heading = is_heading(self._text[start:end])
        if self._held and self._must_break(start, end, heading):
            self._break()
        self._held.append((start, end))

    def flush(self) -> None:
        """The rest becomes the last chunk, headings without text included: nothing is lost."""
        self._give(self._held)
        self._held = []

    def _must_break(self, start: int, end: int, heading: bool) -> bool:
        first, last = self._held[0][0], self._held[-1][1]
        if end - first > self._target:
            return True
        filled = (last - first) / self._target
        if heading:
            return filled >= _FULL_ENOUGH and not is_heading(self._text[slice(*self._held[-1])])
        if filled < _NEARLY_FULL or not _PARAGRAPH.search(self._text, last, start):
            return False
        following = _PARAGRAPH.search(self._text, start, first + self._target)
        return following is None and first + self._target < len(self._text)

    def _break(self) -> None:
        """Give what is held, but keep trailing headings for the text that follows them."""
        keep = len(self._held)
        end = self._held[-1][1]
        while (
            keep > 0
            and end - self._held[keep - 1][0] <= self._target // 2
            and is_heading(self._text[slice(*self._held[keep - 1])])
        ):
            keep -= 1
        self._give(self._held[:keep])
        self._held = self._held[keep:]

    def _give(self, sentences: list[Span]) -> None:
        if sentences:
            self.chunks.append(ChunkSpan(sentences[0][0], sentences[-1][1], tuple(sentences)))


def _bounded(text: str, spans: tuple[Span, ...], limit: int) -> Iterator[Span]:
    """The same spans, but those above `limit` are cut: at the last white space that fits, else in the middle."""
    for begin, end in spans:
        start = begin
        while end - start > limit:
            cut = _last_space(text, start, start + limit)
            yield start, start + len(text[start:cut].rstrip())
            start = cut + len(text[cut:end]) - len(text[cut:end].lstrip())
        if start < end:
            yield start, end


def _last_space(text: str, start: int, stop: int) -> int:
    """Where to cut [start, stop], so that something stands before the cut."""
    for position in range(stop, start + (stop - start) // 2, -1):
        if text[position].isspace():
            return position
    return stop


def _digest(first: bytes, second: bytes) -> str:
    hasher = hashlib.blake2b(digest_size=16)
    # The length keeps ("ab", "c") and ("a", "bc") apart.
    hasher.update(len(first).to_bytes(8, "big"))
    hasher.update(first)
    hasher.update(second)
    return hasher.hexdigest()
