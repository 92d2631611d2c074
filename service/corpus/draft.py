"""A document cut into chunks, ready to be stored. Pure, but slow for long texts: run it in a thread."""

from dataclasses import dataclass

from service.corpus.chunking import chunk, chunk_id
from service.corpus.loaders.port import LoadedDocument
from service.corpus.sentences import Span
from service.errors import TooLarge, UnsupportedDocument


@dataclass(frozen=True, slots=True)
class ChunkDraft:
    """One chunk. `text` is the document's text from `cut` to the next chunk's cut; the chunk is [start, end)."""

    id: str
    cut: int
    start: int
    end: int
    sentences: tuple[Span, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Draft:
    """One document with all its chunks. `folder` is the folder it was read from, empty for an upload."""

    id: str
    folder: str
    source: str
    media_type: str
    size_bytes: int
    chars: int
    chunks: tuple[ChunkDraft, ...]


@dataclass(frozen=True, slots=True)
class File:
    """What was given: a label, the bytes, their document id, and the folder they came from (empty: an upload)."""

    id: str
    folder: str
    source: str
    content: bytes


def draft(file: File, loaded: LoadedDocument, *, chunk_chars: int, max_chunks: int) -> Draft:
    """Raises `TooLarge` above `max_chunks`, `UnsupportedDocument` when nothing is left to find."""
    text = loaded.text
    spans = chunk(text, target_chars=chunk_chars)
    if not spans:
        raise UnsupportedDocument(f"{file.source} holds no visible text; there is nothing to find in it")
    if len(spans) > max_chunks:
        raise TooLarge(
            f"{file.source} gives {len(spans):,} chunks, at most {max_chunks:,} are kept; split it into parts"
        )
    cuts = [0, *(span.start for span in spans[1:]), len(text)]
    chunks = tuple(
        ChunkDraft(
            id=chunk_id(file.id, span.start, span.end, text[span.start : span.end]),
            cut=cuts[index],
            start=span.start,
            end=span.end,
            sentences=span.sentences,
            text=text[cuts[index] : cuts[index + 1]],
        )
        for index, span in enumerate(spans)
    )
    return Draft(file.id, file.folder, file.source, loaded.media_type, len(file.content), len(text), chunks)
