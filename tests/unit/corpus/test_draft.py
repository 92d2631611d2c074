"""Cutting a loaded document into what is stored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.corpus.draft import File, draft
from service.corpus.loaders.port import LoadedDocument
from service.errors import TooLarge, UnsupportedDocument

FILE = File("d" * 32, "", "a.md", b"bytes")


@given(text=st.text(alphabet="ab.\n #", min_size=1, max_size=400), target=st.integers(1, 80))
def test_stored_pieces_joined_are_the_text(text: str, target: int) -> None:
    if not text.strip():
        return
    made = draft(FILE, LoadedDocument(text, "text/markdown", "a"), chunk_chars=target, max_chunks=1000)
    assert "".join(chunk.text for chunk in made.chunks) == text
    assert made.chars == len(text)
    for chunk in made.chunks:
        assert chunk.text[chunk.start - chunk.cut : chunk.end - chunk.cut] == text[chunk.start : chunk.end]
        assert chunk.sentences
    assert len({chunk.id for chunk in made.chunks}) == len(made.chunks)


def test_what_is_known_of_the_file_goes_along() -> None:
    made = draft(FILE, LoadedDocument("One. Two.", "text/plain", "a"), chunk_chars=100, max_chunks=1)
    assert (made.id, made.source, made.media_type, made.size_bytes) == (FILE.id, "a.md", "text/plain", 5)


def test_limits_name_what_to_do() -> None:
    with pytest.raises(TooLarge, match="split it"):
        draft(FILE, LoadedDocument("One. Two. Three.", "text/plain", "a"), chunk_chars=5, max_chunks=2)
    with pytest.raises(UnsupportedDocument, match="no visible text"):
        draft(FILE, LoadedDocument(" \n ", "text/plain", "a"), chunk_chars=5, max_chunks=2)
