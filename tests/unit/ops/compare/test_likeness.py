"""Whether answers are alike, with models that do not repeat themselves."""

import numpy as np
import pytest

from ops.compare.likeness import alike, sources_alike, words_alike
from ops.compare.measured import Pair
from tests.unit.ops.compare.made import LOST, answer, pair, said

WORDS = [f"w{number}" for number in range(200)]


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def varied(seed: int, questions: int, rounds: int, *, other: bool) -> list[Pair]:
    """Both say much the same in other words each time; with `other` the candidate means something else."""
    draw = np.random.default_rng(seed)
    found: list[Pair] = []
    for question in range(questions):
        meant = draw.choice(WORDS, 30)
        meant_by = (meant, draw.choice(WORDS, 30) if other else meant)
        texts = []
        for _ in range(rounds):
            both = [np.where(draw.random(30) < 0.4, draw.choice(WORDS, 30), words) for words in meant_by]
            texts.append((" ".join(both[0]), " ".join(both[1])))
        found += said(texts, question)
    return found


def test_likeness_of_words_and_sources() -> None:
    assert words_alike(answer(answer="One two"), answer(answer="one, two!")) == 1.0
    assert words_alike(answer(answer="one two"), answer(answer="three four")) == 0.0
    # Two words and one pair each: one word is shared of six parts.
    assert words_alike(answer(answer="one two"), answer(answer="two one")) == pytest.approx(2 * 2 / 6)
    assert words_alike(answer(answer=""), answer(answer="")) == 1.0
    assert sources_alike(answer(sources=("a", "b")), answer(sources=("b",))) == pytest.approx(2 / 3)


def test_who_repeats_himself_and_says_something_else_is_different() -> None:
    pairs = [one for question in range(10) for one in said([("a b", "c d")] * 4, question)]
    found = alike(pairs, words_alike, rng())
    assert (found.within, found.between, found.gap) == (1.0, 0.0, 1.0)
    assert found.p is not None
    assert found.p < 0.001
    assert set(found.by_question.values()) == {1.0}


def test_the_same_answers_are_alike() -> None:
    found = alike(said([("a b", "a b")] * 4), words_alike, rng())
    assert (found.gap, found.p) == (0.0, 1.0)


def test_answers_that_vary_alike_are_alike_and_others_are_not() -> None:
    same = [alike(varied(seed, 10, 4, other=False), words_alike, rng(), 400).p for seed in range(60)]
    assert sum(p is not None and p <= 0.05 for p in same) <= 8
    unlike = alike(varied(1, 10, 4, other=True), words_alike, rng())
    assert unlike.p is not None
    assert unlike.p < 0.001
    assert unlike.gap is not None
    assert unlike.gap > 0.1


def test_one_round_says_nothing() -> None:
    found = alike(said([("a b", "c d")]), words_alike, rng())
    assert (found.within, found.gap, found.p, found.by_question) == (None, None, None, {})


def test_broken_pairs_are_left_out() -> None:
    broken = [pair(LOST, answer(), number=9), pair(answer(), LOST, number=8)]
    found = alike([*said([("a", "a")] * 2), *broken], words_alike, rng())
    assert found.gap == 0.0
