"""PDF: text with pages, and a clear word for each way to fail."""

import pytest

from service.corpus.loaders.pdf import load_pdf
from service.corpus.loaders.port import ParseLimits
from service.errors import TooLarge, UnsupportedDocument
from tests.unit.corpus.loaders.samples import endless_pdf, flate_bomb, pdf

LIMITS = ParseLimits(max_pages=5, max_text_chars=2000)


def test_pages_become_paragraphs() -> None:
    document = load_pdf("a.pdf", pdf("First page.", "", "Third page.", title="Stops"), LIMITS)
    assert (document.text, document.title, document.pages) == ("First page.\n\nThird page.", "Stops", 3)
    assert document.media_type == "application/pdf"


def test_a_sentence_may_run_over_the_end_of_a_page() -> None:
    assert load_pdf("a.pdf", pdf("This sentence goes", "on here."), LIMITS).text == "This sentence goes\non here."


def test_without_a_title_the_first_line_is_taken() -> None:
    assert load_pdf("x/a.pdf", pdf("Stops"), LIMITS).title == "Stops"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"%PDF-1.4 and then nothing", "is a broken PDF"),
        (pdf("text")[:400], "is a broken PDF"),
        (pdf("text", password="secret"), "is encrypted; remove the password and add it again"),
        (pdf("", ""), r"holds no text in its 2 pages \(scanned\?\); run text recognition"),
        (endless_pdf(), "broken PDF|holds no text"),
    ],
)
def test_unreadable_files_say_why(content: bytes, reason: str) -> None:
    with pytest.raises(UnsupportedDocument, match=f"a.pdf {reason}|a.pdf is a {reason}"):
        load_pdf("a.pdf", content, LIMITS)


def test_limits() -> None:
    with pytest.raises(TooLarge, match="has 6 pages, at most 5 are read"):
        load_pdf("a.pdf", pdf(*["x"] * 6), LIMITS)
    with pytest.raises(TooLarge, match="more than 2,000 characters"):
        load_pdf("a.pdf", pdf("word " * 600), LIMITS)


def test_a_bomb_is_refused() -> None:
    with pytest.raises(TooLarge, match="unpacks to more data"):
        load_pdf("a.pdf", flate_bomb(80_000_000), LIMITS)
