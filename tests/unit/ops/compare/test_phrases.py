"""Sentences and cells."""

from ops.compare.phrases import chance, counted, listed, per_cent, ratio
from ops.compare.times import Ratio


def test_figures_are_short_and_honest() -> None:
    assert ratio(Ratio(1.314, 1.25, 1.378)) == "1.31 (1.25 to 1.38)"
    assert ratio(None) == chance(None) == "-"
    assert (chance(0.00099), chance(0.001), chance(1.0)) == ("< 0.001", "0.001", "1.000")
    assert per_cent(0.125) == "12%"


def test_lists_are_read_as_sentences() -> None:
    assert [listed(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "nothing",
        "a",
        "a and b",
        "a, b and c",
    ]
    assert listed(["a", "b"], "or") == "a or b"


def test_counts_have_the_most_first() -> None:
    assert counted({"b": 1, "a": 1, "c": 3, "none": 0}) == "c 3, a 1, b 1"
    assert counted({}) == "-"
