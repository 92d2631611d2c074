"""Statistics of measurements: wrong ones would make every table wrong."""

import pytest

from tests.bench.figures import Row, at_least, at_most, median_ratio, quantile, text_of


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (0.01, 1), (0.001, 1), (1, 100)])
def test_a_quantile_is_a_value_that_was_measured(share: float, expected: float) -> None:
    assert quantile(list(range(100, 0, -1)), share) == expected


@pytest.mark.parametrize(("values", "share"), [([], 0.5), ([1.0], 0.0), ([1.0], 1.5)])
def test_a_quantile_of_nothing_is_refused(values: list[float], share: float) -> None:
    with pytest.raises(ValueError):
        quantile(values, share)


def test_ratios_are_taken_round_by_round() -> None:
    # The machine was ten times slower in the second round: for both.
    assert median_ratio([6.0, 0.6, 6.0], [10.0, 1.0, 10.0]) == pytest.approx(0.6)


def test_ratios_of_unequal_rounds_are_refused() -> None:
    with pytest.raises(ValueError):
        median_ratio([1.0], [1.0, 2.0])


def test_a_bar_is_reached_from_its_good_side_and_on_it() -> None:
    assert [at_least(60).reached(value) for value in (59.9, 60.0, 61.0)] == [False, True, True]
    assert [at_most(5).reached(value) for value in (4.9, 5.0, 5.1)] == [True, True, False]


def test_what_was_not_measured_is_neither_reached_nor_missed() -> None:
    assert Row("g", "w", None, "ms", at_most(1)).reached is None
    assert Row("g", "w", 1.0, "ms").reached is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0.0, "0"), (0.01234, "0.0123"), (1.005, "1.00"), (12.34, "12.3"), (123.4, "123"), (6543.2, "6,543")],
)
def test_figures_show_three_digits(value: float | None, text: str) -> None:
    assert text_of(value) == text
