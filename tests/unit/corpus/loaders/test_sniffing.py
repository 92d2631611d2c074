"""Types are told by content; names only choose among kinds of plain text."""

import pytest

from service.corpus.loaders.port import MediaType
from service.corpus.loaders.sniffing import sniff_bytes, sniff_text, suffix_of
from service.errors import UnsupportedDocument


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.md", "# Title", MediaType.MARKDOWN),
        ("a.md", '<p align="center">badge</p>\n\n# Title', MediaType.MARKDOWN),
        ("a.md", "<!DOCTYPE html><html>", MediaType.HTML),
        ("a.md", "[link](x)", MediaType.MARKDOWN),
        ("a.txt", "plain words", MediaType.PLAIN),
        ("a", "plain words", MediaType.PLAIN),
        ("a.py", "import this", MediaType.PLAIN),
        ("a.csv", "a,b\n1,2", MediaType.CSV),
        ("a.tsv", "a\tb", MediaType.CSV),
        ("a.txt", "  <!-- x -->\n<html><body>hi", MediaType.HTML),
        ("a.txt", "<div>hi</div>", MediaType.HTML),
        ("a.txt", "<3 trading", MediaType.PLAIN),
        ("a.html", "hi <p>there", MediaType.HTML),
        ("a.html", "no tags at all", MediaType.PLAIN),
        ("a.xhtml", '<?xml version="1.0"?><!DOCTYPE html><html>', MediaType.HTML),
        ("a.txt", ' {"a": 1} ', MediaType.JSON),
        ("a.txt", "{not json}", MediaType.PLAIN),
        ("a.txt", "[1] A footnote.", MediaType.PLAIN),
        ("a.json", "not json", MediaType.JSON),
        ("a.jsonl", '{"a": 1}\n{"a": 2}', MediaType.JSON),
    ],
)
def test_kinds_of_text(name: str, text: str, expected: MediaType) -> None:
    assert sniff_text(name, text) is expected


@pytest.mark.parametrize(("name", "start"), [("a.txt", b""), ("a.md", b"\xef\xbb\xbf\n"), ("a", b"junk before\n")])
def test_a_pdf_under_any_name_is_a_pdf(name: str, start: bytes) -> None:
    assert sniff_bytes(name, start + b"%PDF-1.7\nstartxref\n0") is MediaType.PDF


def test_a_text_about_pdf_is_a_text() -> None:
    assert sniff_bytes("a.md", b"A PDF begins with `%PDF-1.7`.") is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"PK\x03\x04rest", "ZIP archive"),
        (b"\x1f\x8b\x08rest", "gzip archive"),
        (b"\xd0\xcf\x11\xe0rest", "old Office file"),
        (b"\x89PNGrest", "picture"),
        (b"\x7fELFrest", "program"),
        (b"{\\rtf1 hi}", "RTF"),
        (b"GGUFrest", "model"),
    ],
)
def test_known_binaries_are_named(content: bytes, reason: str) -> None:
    with pytest.raises(UnsupportedDocument, match=reason):
        sniff_bytes("notes.md", content)


@pytest.mark.parametrize("content", [b"", b" \n\t", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_empty_files_are_named(content: bytes) -> None:
    with pytest.raises(UnsupportedDocument, match=r"a.md is empty"):
        sniff_bytes("a.md", content)


def test_a_name_that_promises_a_pdf_must_hold_one() -> None:
    with pytest.raises(UnsupportedDocument, match="not a PDF, though its name says so"):
        sniff_bytes("a.pdf", b"hello")


@pytest.mark.parametrize(
    "text", ['<?xml version="1.0"?><rss>', '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a/>']
)
def test_xml_is_refused(text: str) -> None:
    with pytest.raises(UnsupportedDocument, match="is XML, which is not read"):
        sniff_text("a.txt", text)


def test_suffixes() -> None:
    assert [suffix_of(name) for name in ("a.MD", "x.y/a", "a.tar.gz", "")] == ["md", "", "gz", ""]
