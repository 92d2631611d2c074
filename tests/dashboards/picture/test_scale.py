"""Axes: they hold every value, at round numbers."""

import pytest

from dashboards.picture.scale import clock, linear, logarithmic


def test_a_linear_axis_begins_where_the_panel_says_and_ends_at_a_round_value() -> None:
    scale = linear([0.3, 2.3], "reqps", 0, None)
    assert (scale.low, scale.high) == (0, 2.5)
    assert scale.labels == ["0 req/s", "0.5 req/s", "1 req/s", "1.5 req/s", "2 req/s", "2.5 req/s"]


def test_bounds_that_are_given_hold() -> None:
    scale = linear([0.01], "percentunit", 0, 1)
    assert (scale.low, scale.high, scale.labels[0], scale.labels[-1]) == (0, 1, "0 %", "100 %")


def test_without_values_or_with_zeros_only_there_is_an_axis() -> None:
    assert linear([], "none", 0, None).high == 1
    assert linear([0, 0], "none", 0, None).high == 1


def test_without_a_minimum_the_axis_holds_the_lowest() -> None:
    scale = linear([-3, 4], "none", None, None)
    assert scale.low <= -3
    assert scale.high >= 4


def test_bytes_and_minutes_are_round_in_their_unit() -> None:
    assert linear([150 * 2**20], "bytes", 0, None).labels[1] == "50 MiB"
    assert linear([1700], "s", 0, None).labels[-1] == "30 min"


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0.002, 90], ["10 ms", "100 ms", "1 s", "10 s", "1 min"]),
        ([1.4, 3.1], ["1.5 s", "2 s", "3 s"]),
        ([0.0], ["100 ms", "300 ms", "1 s", "3 s", "10 s"]),
        ([70, 700], ["1 min", "2 min", "5 min", "10 min"]),
    ],
)
def test_a_logarithmic_axis_has_a_handful_of_round_values(values: list[float], labels: list[str]) -> None:
    scale = logarithmic(values, "s")
    assert scale.labels == labels
    assert all(scale.low < value < scale.high for value in values if value > 0)


def test_the_clock_is_round() -> None:
    assert clock(1000, 1900) == [1200, 1500, 1800]
    assert clock(0, 60) == [0, 30, 60]
    assert len(clock(0, 30 * 86400)) <= 31
