"""The whole way from bytes to text, in this process."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.corpus.loaders.parsing import parse, parse_simple
from service.corpus.loaders.port import MediaType, ParseLimits
from service.errors import TooLarge, UnsupportedDocument
from tests.unit.corpus.loaders.samples import pdf

LIMITS = ParseLimits(max_pages=10, max_text_chars=500)


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("a.md", b"# T", MediaType.MARKDOWN),
        ("a.txt", b"T", MediaType.PLAIN),
        ("a.html", b"<p>T</p>", MediaType.HTML),
        ("a.txt", pdf("T"), MediaType.PDF),
        ("a.csv", b"a,b\nT,x", MediaType.CSV),
        ("a.json", b'["T"]', MediaType.JSON),
    ],
)
def test_each_type_reaches_its_loader(name: str, content: bytes, media_type: MediaType) -> None:
    document = parse(name, content, LIMITS)
    assert document.media_type == media_type
    assert "T" in document.text


@pytest.mark.parametrize(
    ("name", "content"), [("a.md", b"<!-- x -->"), ("a.html", b"<p hidden>x</p>"), ("a.json", b"{}"), ("a.csv", b"a,b")]
)
def test_a_file_without_visible_text_is_refused(name: str, content: bytes) -> None:
    with pytest.raises(UnsupportedDocument, match="holds no visible text"):
        parse(name, content, LIMITS)


def test_too_much_text_is_refused() -> None:
    with pytest.raises(TooLarge, match="more than 500 characters"):
        parse_simple("a.txt", MediaType.PLAIN, "x" * 501, LIMITS)


@settings(deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["a.md", "a.csv", "a.json", "a.html", "a.pdf", "a"]))
def test_any_bytes_are_read_or_refused(content: bytes, name: str) -> None:
    try:
        document = parse(name, content, LIMITS)
    except (UnsupportedDocument, TooLarge) as error:
        assert error.detail.startswith(name)
    else:
        assert document.text.strip() and document.title
