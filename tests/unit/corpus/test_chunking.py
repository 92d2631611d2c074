"""Chunks: nothing lost, nothing torn, headings with their text; and ids that follow the content."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.corpus.chunking import chunk, chunk_id, document_id

LINES = st.lists(
    st.one_of(
        st.sampled_from(["", "# Heading", "## Other heading", "- item. Two.", "| a | b |", "Under\n---", "```"]),
        st.text(max_size=80),
        st.text(st.sampled_from("ab. \u2028\U0001f600"), max_size=300),
    ),
    max_size=25,
)


@settings(max_examples=250, deadline=None)
@given(LINES, st.integers(1, 300))
def test_chunks_hold_everything_once_in_order_and_within_bounds(lines: list[str], target: int) -> None:
    text = "\n".join(lines)
    position = 0
    for span in chunk(text, target_chars=target):
        assert position <= span.start < span.end <= len(text)
        assert not text[position : span.start].strip()
        assert span.end - span.start <= 1.5 * target + 1
        inside = span.start
        for start, end in span.sentences:
            assert inside <= start < end <= span.end
            assert not text[inside:start].strip()
            inside = end
        assert (span.sentences[0][0], span.sentences[-1][1]) == (span.start, span.end)
        position = span.end
    assert not text[position:].strip()


@settings(deadline=None)
@given(LINES)
def test_the_same_text_gives_the_same_chunks(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert chunk(text, target_chars=90) == chunk(text, target_chars=90)


def test_whole_sentences_up_to_the_target() -> None:
    text = " ".join(f"Sentence number {number} stands here." for number in range(100))
    spans = chunk(text, target_chars=300)
    assert all(200 < span.end - span.start <= 300 for span in spans[:-1])
    assert all(text[span.start : span.end].endswith("here.") for span in spans)


def test_a_heading_starts_a_chunk_and_stays_with_its_text() -> None:
    body = "This paragraph says something about risk. " * 4
    text = f"# One\n\n{body}\n\n## Two\n\n{body}\n\n## Three\n\n### Four\n\n{body}"
    starts = [text[span.start : span.end].partition("\n")[0] for span in chunk(text, target_chars=250)]
    assert starts == ["# One", "## Two", "## Three"]


def test_small_sections_share_a_chunk() -> None:
    assert len(chunk("# A\n\nShort.\n\n# B\n\nShort too.", target_chars=900)) == 1


def test_a_paragraph_that_does_not_fit_goes_to_the_next_chunk() -> None:
    first, second = "First words here. " * 11, "Second words here. " * 10
    spans = chunk(f"{first}\n\n{second}", target_chars=300)
    assert [span.start for span in spans] == [0, len(first) + 2]


def test_a_sentence_above_the_limit_is_cut_between_words() -> None:
    text = "word " * 200
    spans = chunk(text, target_chars=100)
    assert all(set(text[span.start : span.end].split()) == {"word"} for span in spans)
    assert len(chunk("x" * 1000, target_chars=100)) == 10


def test_blank_text_has_no_chunks_and_a_target_is_needed() -> None:
    assert chunk(" \n\t\n", target_chars=100) == ()
    with pytest.raises(ValueError, match="at least 1"):
        chunk("text", target_chars=0)


def test_ids_follow_content_place_and_name() -> None:
    assert document_id("a.md", b"x") == document_id("a.md", b"x")
    ids = {document_id("a.md", b"x"), document_id("b.md", b"x"), document_id("a.md", b"y"), document_id("a.m", b"dx")}
    ids |= {chunk_id("d", 0, 1, "x"), chunk_id("d", 0, 2, "x"), chunk_id("d", 0, 1, "y"), chunk_id("e", 0, 1, "x")}
    assert len(ids) == 8
    assert all(len(identity) == 32 and int(identity, 16) >= 0 for identity in ids)
    assert len(document_id("\ud800", b"")) == 32
