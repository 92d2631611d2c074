"""Encodings: what is accepted, what is refused, and in which words."""

import os

import pytest

from service.corpus.loaders.decoding import decode
from service.errors import UnsupportedDocument


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_reads_western_text(encoding: str) -> None:
    text = "Die Größe der Position beträgt 5 € \u2013 mehr nicht."
    assert decode("a.txt", text.encode(encoding)) == text


def test_reads_any_script_in_utf8() -> None:
    assert decode("a.txt", "Привет 中文 😀".encode()) == "Привет 中文 😀"


@pytest.mark.parametrize(
    "content",
    ["Привет, как дела сегодня вечером".encode("koi8-r"), "日本語の文章です".encode("shift_jis"), b"abc \x81\x8d\xff"],
)
def test_other_encodings_are_named_not_guessed(content: bytes) -> None:
    with pytest.raises(UnsupportedDocument, match=r"a\.txt is not UTF-8 text; save it as UTF-8"):
        decode("a.txt", content)


@pytest.mark.parametrize(
    "content", [bytes(range(256)) * 20, b"text\x00text", b"\x01\x02\x03\x04" * 100, b"ok \xff\x00"]
)
def test_binary_is_refused_whatever_its_name(content: bytes) -> None:
    with pytest.raises(UnsupportedDocument, match=r"notes\.md is a binary file, whatever its name says"):
        decode("notes.md", content)


def test_random_bytes_are_never_text() -> None:
    for _ in range(50):
        with pytest.raises(UnsupportedDocument):
            decode("x", os.urandom(2000))


def test_half_a_utf16_character_is_refused() -> None:
    with pytest.raises(UnsupportedDocument):
        decode("x", b"\xff\xfea")
