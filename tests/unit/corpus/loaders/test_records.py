"""JSON becomes readable lines."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.corpus.loaders.port import ParseLimits
from service.corpus.loaders.records import load_records
from service.errors import TooLarge, UnsupportedDocument

LIMITS = ParseLimits(max_pages=10, max_text_chars=1000)


def test_a_list_of_records_gives_one_paragraph_each() -> None:
    text = '[{"name": "Gold", "price": 1.50, "tags": ["a", "b"]}, {"name": "Tin", "note": null, "live": true}]'
    assert load_records("a.json", text, LIMITS).text == "name: Gold\nprice: 1.50\ntags: a, b\n\nname: Tin\nlive: true"


def test_nested_keys_are_joined_and_the_title_is_found() -> None:
    document = load_records("a.json", '{"title": "Desk", "risk": {"max": {"loss": 1e2}}, "x": [[1, 2], [3]]}', LIMITS)
    assert document.text == "title: Desk\nrisk.max.loss: 1e2\n\nx: 1, 2\n\nx: 3"
    assert document.title == "Desk"


def test_numbers_stay_as_written() -> None:
    digits = "9" * 900
    assert load_records("a.json", f"[0.10, NaN, {digits}]", LIMITS).text == f"0.10, NaN, {digits}"


def test_json_lines() -> None:
    assert load_records("a.jsonl", '{"a": 1}\n\n{"a": 2}\n', LIMITS).text == "a: 1\n\na: 2"
    with pytest.raises(UnsupportedDocument, match="no valid JSON in line 2"):
        load_records("a.jsonl", '{"a": 1}\n{"a":', LIMITS)


def test_hidden_characters_and_lone_surrogates_go() -> None:
    assert load_records("a.json", '{"k\\u200b": "a\\ud800b\\u202e"}', LIMITS).text == "k: ab"


@pytest.mark.parametrize("text", ["[" * 100_000, "[" * 40 + "1" + "]" * 40, '{"a":' * 5000 + "1" + "}" * 5000])
def test_deep_nesting_is_refused(text: str) -> None:
    with pytest.raises(UnsupportedDocument, match=r"nested deeper|not valid JSON"):
        load_records("a.json", text, LIMITS)


def test_errors_say_where() -> None:
    with pytest.raises(UnsupportedDocument, match=r"not valid JSON: .* at line 2, column 3"):
        load_records("a.json", "{\n  x", LIMITS)
    with pytest.raises(TooLarge, match="more than 1,000 characters"):
        load_records("a.json", '["' + "x" * 2000 + '", []]', LIMITS)


@settings(deadline=None)
@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(UnsupportedDocument, TooLarge):
        assert load_records("a.json", text, LIMITS).title
