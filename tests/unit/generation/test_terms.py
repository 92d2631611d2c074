"""Stems and stop words."""

import pytest

from service.generation.terms import STOP_WORDS, stem, words


@pytest.mark.parametrize(
    "family",
    [
        ("trading", "traded", "trades", "trade", "trader", "traders"),
        ("stop", "stops", "stopping", "stopped"),
        ("loss", "losses"),
        ("strategy", "strategies"),
        ("average", "averages"),
        ("verlust", "verluste", "verlusten"),
    ],
)
def test_forms_of_a_word_meet(family: tuple[str, ...]) -> None:
    assert len({stem(word) for word in family}) == 1


def test_short_words_and_numbers_stay() -> None:
    assert [stem(word) for word in ("rsi", "atr", "gas", "12.50", "1990s")] == ["rsi", "atr", "gas", "12.50", "1990"]


def test_words_fold_case_and_keep_decimals() -> None:
    assert words("The RSI is at 70.5, über_alles!") == ["the", "rsi", "is", "at", "70.5", "über", "alles"]


def test_stop_words_of_both_languages() -> None:
    assert {"the", "what", "der", "für", "über"} <= STOP_WORDS
    assert STOP_WORDS.isdisjoint({"risk", "stop", "trend", "war"})
