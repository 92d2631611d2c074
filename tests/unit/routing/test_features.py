import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.routing.features import (
    COMPLEX_INDICATORS,
    READ_CHARS,
    RESEARCH_INDICATORS,
    TECHNICAL_TERMS,
    extract,
    read,
)

LATIN = st.text(alphabet=string.printable + "äöüÄÖÜß„“\u2013", max_size=300)


@pytest.mark.parametrize("word", COMPLEX_INDICATORS)
def test_complex_indicators_are_found_as_whole_words(word: str) -> None:
    assert read(f"please {word.upper()}, now").complex_indicators == (word,)
    assert extract(f"un{word}x").complex_indicators == 0


@pytest.mark.parametrize("word", RESEARCH_INDICATORS)
def test_research_indicators_are_found_as_whole_words(word: str) -> None:
    assert read(f"a ({word}) one").research_indicators == (word,)
    assert extract(f"x{word}").research_indicators == extract(f"{word}s").research_indicators == 0


@pytest.mark.parametrize("word", TECHNICAL_TERMS)
def test_technical_terms_are_found_as_whole_words(word: str) -> None:
    assert read(f"{word}? yes").technical_terms == (word,)
    assert extract(f"{word}y a{word}").technical_terms == 0


def test_university_holds_no_rsi_and_trendy_no_trend() -> None:
    assert extract("A trendy university with diversity, unsupported and irresistible").technical_terms == 0


def test_an_indicator_counts_once() -> None:
    assert extract("compare compare Compare").complex_indicators == 1


def test_inflections_beyond_the_lists_do_not_count() -> None:
    assert extract("strategies compared, explained and completely analyzed").complex_indicators == 0


@pytest.mark.parametrize("text", ["in-depth", "in\u2011depth", "In\u2010Depth!", "(in-depth)", "xin-depth in-depth"])
def test_in_depth_is_found_with_any_hyphen(text: str) -> None:
    assert read(text).research_indicators == ("in-depth",)


@pytest.mark.parametrize("text", ["full analysis", "Full\n  Analysis.", "xfull analysis, full analysis"])
def test_full_analysis_is_found_across_white_space(text: str) -> None:
    assert read(text).research_indicators == ("full analysis",)


def test_counts() -> None:
    features = extract("  What is RSI?  And MACD\uff1f ")
    assert (features.words, features.chars, features.question_marks) == (5, 23, 2)
    assert features.technical_terms == 2


def test_nothing_is_a_text_too() -> None:
    assert extract("").words == extract(" \n\t").words == extract("\u200b").chars - 1 == 0


def test_text_beyond_the_longest_question_is_not_read() -> None:
    assert extract("a " * READ_CHARS + "rsi").technical_terms == 0
    assert len(read("\ufdfa" * READ_CHARS).folded) <= READ_CHARS


def test_words_inside_identifiers_count() -> None:
    assert read("calc_rsi").technical_terms == ("rsi",)


@given(st.text())
def test_any_text_has_a_reading(text: str) -> None:
    reading = read(text)
    assert reading.features.words >= 0
    assert reading.features.complex_indicators == len(reading.complex_indicators)


@given(LATIN)
def test_case_does_not_change_the_features(text: str) -> None:
    plain = read(text)
    for variant in (read(text.upper()), read(text.lower())):
        assert variant.complex_indicators == plain.complex_indicators
        assert variant.research_indicators == plain.research_indicators
        assert variant.technical_terms == plain.technical_terms
        assert (variant.features.words, variant.features.code) == (plain.features.words, plain.features.code)


@given(LATIN, st.text(alphabet=" \n\t\r", max_size=5))
def test_white_space_around_does_not_change_the_features(text: str, space: str) -> None:
    assert extract(space + text + space) == extract(text)
