"""Names under which documents are kept."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.corpus.loaders.names import MAX_SOURCE_BYTES, UNNAMED, safe_source


@pytest.mark.parametrize("name", ["a.md", "guides/rsi.md", "a b.txt", "Größe.md", ".hidden", "a..b.md"])
def test_plain_relative_names_stay(name: str) -> None:
    assert safe_source(name) == name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("../../x", "x"),
        ("../../../etc/cron.d/x", "x"),
        ("/etc/passwd", "passwd"),
        ("a/../b.md", "b.md"),
        ("a//b.md", "b.md"),
        ("./a.md", "a.md"),
        ("C:\\Users\\me\\a.md", "a.md"),
        ("C:a.md", "a.md"),
        ("..\\..\\a.md", "a.md"),
        ("a\x00.md", "a.md"),
        ("a\n\r.md", "a__.md"),
        ("a\u202edm.exe", "adm.exe"),
        ("\u200b..\u200b/a", "a"),
        ("a\ud800.md", "a.md"),
        ('<img src="x">.md', "_img src=_x__.md"),
        ("", UNNAMED),
        ("..", UNNAMED),
        ("///", UNNAMED),
        ("\x00", UNNAMED),
    ],
)
def test_everything_else_is_reduced(name: str, expected: str) -> None:
    assert safe_source(name) == expected


def test_a_long_name_keeps_its_suffix() -> None:
    short = safe_source("ü" * 300 + ".md")
    assert len(short.encode()) <= MAX_SOURCE_BYTES and short.endswith("ü.md")
    assert len(safe_source("x" * 300)) == MAX_SOURCE_BYTES
    assert len(safe_source("x." + "y" * 300)) == MAX_SOURCE_BYTES
    assert safe_source("d/" * 200 + "a.md") == "a.md"


@settings(deadline=None)
@given(st.text(st.one_of(st.characters(), st.sampled_from('./\\: \x00\u202e"')), max_size=400))
def test_any_name_becomes_safe(name: str) -> None:
    safe = safe_source(name)
    assert safe and safe == safe_source(safe)
    assert len(safe.encode()) <= MAX_SOURCE_BYTES
    assert "\\" not in safe and not safe.startswith("/")
    assert not {"", ".", ".."} & set(safe.split("/"))
    assert not any(unicodedata.category(character) in {"Cc", "Cf", "Cs"} for character in safe if character < "\u0600")
