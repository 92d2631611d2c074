"""The number behind the floor."""

import pytest

from service.retrieval.port import Passage
from service.retrieval.relevance import coverage, relevance, standout

POOL = 20
DOCUMENTS = (
    "The relative strength index, RSI, is a momentum oscillator between 0 and 100.",
    "A bullish engulfing pattern has a falling candle followed by a larger rising one.",
    "Momentum trading buys what has risen and sells what has fallen.",
    "The initial margin of a futures contract is set by the exchange and changes with volatility.",
)


def passages(*texts: str) -> list[Passage]:
    return [
        Passage(f"c{number}", f"d{number}", "file.md", text, 0, len(text), 1.0) for number, text in enumerate(texts)
    ]


def covered(question: str) -> float:
    return coverage(question, passages(*DOCUMENTS), POOL)


def test_a_passage_with_every_word_covers_all() -> None:
    assert covered("What is the momentum oscillator called RSI?") > 0.6
    assert covered("momentum oscillator RSI") == pytest.approx(1.0)


def test_forms_of_a_word_count_as_the_word() -> None:
    assert covered("changing exchanges") == covered("changed, exchange") == pytest.approx(1.0)


def test_words_that_nobody_knows_weigh_most() -> None:
    assert covered("Ichimoku cloud momentum") < 0.3 < covered("momentum oscillator trading")
    assert covered("sourdough bread") == 0.0


def test_one_passage_has_to_cover_it_alone() -> None:
    assert covered("engulfing margin") == pytest.approx(0.5, abs=0.01)


def test_nothing_asked_or_nothing_found_covers_nothing() -> None:
    assert covered("") == covered("what is it, and why?") == 0.0
    assert coverage("momentum", [], POOL) == 0.0


def test_a_tiny_corpus_is_no_reason_to_refuse() -> None:
    """With the frequencies of one passage alone, the words that it holds would weigh next to nothing."""
    assert coverage("Which oscillator did Wilder invent?", passages(DOCUMENTS[0]), POOL) > 0.25


def test_most_words_of_a_long_question_only_surround_it() -> None:
    long = (
        "A colleague in the canteen yesterday told some story about his neighbour, and somewhere in between came "
        "bullish engulfing candle pattern; could somebody kindly clarify whatever that might possibly be?"
    )
    assert covered(long) > 0.5


@pytest.mark.parametrize("slip", ["oscilator", "osccillator", "oscillatro", "oscillatir"])
def test_a_slip_of_the_keyboard_is_forgiven(slip: str) -> None:
    assert covered(f"momentum {slip}") == covered("momentum oscillator")


@pytest.mark.parametrize("other", ["riser", "oscill", "bscillator", "oscalliator"])
def test_but_not_in_short_words_nor_more_than_one(other: str) -> None:
    assert covered(f"momentum {other}") < 0.6


def test_standing_out_is_a_share_of_the_last_distance() -> None:
    assert standout((0.3, 0.4, 0.6)) == pytest.approx(0.5)
    assert standout((0.0, 1.0)) == 1.0
    assert standout((0.4, 0.4)) == 0.0
    # The same at another scale: it does not depend on the embedder's usual distances.
    assert standout((0.03, 0.06)) == pytest.approx(standout((0.5, 1.0)))


@pytest.mark.parametrize("distances", [(), (0.2,), (0.0, 0.0), (-1e-7, 0.0)])
def test_without_anything_to_stand_out_from_it_is_zero(distances: tuple[float, ...]) -> None:
    assert standout(distances) == 0.0


def test_vectors_add_to_the_coverage_and_never_take_away() -> None:
    found = passages(*DOCUMENTS)
    alone = relevance("momentum oscillator cloud", found, (), POOL)
    assert alone == coverage("momentum oscillator cloud", found, POOL)
    assert relevance("momentum oscillator cloud", found, (0.50, 0.52), POOL) == alone
    assert relevance("momentum oscillator cloud", found, (0.25, 0.50), POOL) > alone + 0.3
