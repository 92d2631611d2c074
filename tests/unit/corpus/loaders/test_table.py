"""CSV becomes one paragraph per row."""

import pytest

from service.corpus.loaders.port import ParseLimits
from service.corpus.loaders.table import load_table
from service.errors import TooLarge, UnsupportedDocument

LIMITS = ParseLimits(max_pages=10, max_text_chars=1000)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_rows_name_their_columns(delimiter: str) -> None:
    text = "\r\n".join(delimiter.join(row) for row in (("name", "price"), ("Gold", "1.5"), ("Tin", "")))
    document = load_table("a.csv", text, LIMITS)
    assert document.text == "name: Gold; price: 1.5\n\nname: Tin"
    assert (document.title, document.media_type) == ("a", "text/csv")


def test_quoted_fields_may_hold_delimiters_and_lines() -> None:
    assert load_table("a.csv", 'a,b\n"x, y","one\ntwo"', LIMITS).text == "a: x, y; b: one two"


def test_without_a_header_columns_are_numbered() -> None:
    assert (
        load_table("a.csv", "1,x\n2,y,z", LIMITS).text
        == "column 1: 1; column 2: x\n\ncolumn 1: 2; column 2: y; column 3: z"
    )


def test_hidden_characters_go() -> None:
    assert load_table("a.csv", "a,b\nx\u200b,\u202ey", LIMITS).text == "a: x; b: y"


def test_prose_under_the_name_of_a_table_is_prose() -> None:
    assert load_table("a.csv", "just a sentence", LIMITS).media_type == "text/plain"


def test_limits_and_broken_files_are_told() -> None:
    with pytest.raises(TooLarge, match="more than 1,000 characters"):
        load_table("a.csv", "name,price\n" + "Gold,1\n" * 200, LIMITS)
    with pytest.raises(UnsupportedDocument, match="not readable as CSV near line"):
        load_table("a.csv", "a,b\n" * 60 + '"' + "x" * 200_000, LIMITS)
