"""Values as Grafana writes them."""

import math

import pytest

from dashboards.picture.units import base, text_of


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "s", "0 s"),
        (0.0042, "s", "4.2 ms"),
        (0.0000042, "s", "4.2 µs"),
        (2.345, "s", "2.35 s"),
        (59.9999999999, "s", "1 min"),
        (60, "s", "1 min"),
        (5400, "s", "1.5 h"),
        (172800, "s", "2 d"),
        (0.9973, "percentunit", "99.7 %"),
        (0, "percentunit", "0 %"),
        (1536, "bytes", "1.5 KiB"),
        (0, "bytes", "0 B"),
        (3 * 2**30, "bytes", "3 GiB"),
        (12.5, "reqps", "12.5 req/s"),
        (1234, "none", "1234"),
        (1234, "short", "1.23 K"),
        (71, "celsius", "71 °C"),
        (320, "watt", "320 W"),
        (41.26, "suffix: tok/s", "41.3 tok/s"),
        (-0.25, "none", "-0.25"),
        (1e-9, "none", "0"),
        (math.inf, "s", "+Inf"),
        (-math.inf, "s", "-Inf"),
        (math.nan, "s", "NaN"),
    ],
)
def test_as_written(value: float, unit: str, text: str) -> None:
    assert text_of(value, unit) == text


def test_decimals_that_are_given_are_kept() -> None:
    assert text_of(0.9973, "percentunit", 1) == "99.7 %"
    assert text_of(100, "none", 1) == "100.0"


def test_an_unknown_unit_is_an_error() -> None:
    with pytest.raises(KeyError):
        text_of(1, "parsec")


def test_axes_of_seconds_and_bytes_count_in_their_largest_unit() -> None:
    assert base(300, "s") == 60
    assert base(3 * 2**20, "bytes") == 2**20
    assert base(300, "none") == 1
    assert base(0, "bytes") == 1
