"""Order statistics."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.monitoring.port import Quantiles
from service.monitoring.quantiles import quantile, quantiles

DURATIONS = st.lists(st.floats(0, 1e6), min_size=1, max_size=200)


def test_nothing_has_no_figures() -> None:
    assert quantiles([]) == Quantiles(0)


def test_one_duration_is_every_figure() -> None:
    assert quantiles([2.5]) == Quantiles(1, 2.5, 2.5, 2.5, 2.5)


def test_figures_lie_between_the_nearest_ranks() -> None:
    figures = quantiles(float(second) for second in range(100, -1, -1))
    assert figures == Quantiles(101, 50.0, 50.0, 95.0, 99.0)
    assert quantile([0.0, 10.0], 0.95) == pytest.approx(9.5)


@given(DURATIONS)
def test_the_middle_is_the_median_and_nothing_leaves_the_range(durations: list[float]) -> None:
    ordered = sorted(durations)
    assert quantile(ordered, 0.5) == pytest.approx(statistics.median(ordered))
    for share in (0.0, 0.5, 0.95, 0.99, 1.0):
        assert ordered[0] <= quantile(ordered, share) * (1 + 1e-12)
        assert quantile(ordered, share) <= ordered[-1] * (1 + 1e-12)
