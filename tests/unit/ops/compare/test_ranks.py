"""Tests on ranks, against values from tables and counting by hand."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.compare.ranks import (
    holm,
    mann_whitney,
    mann_whitney_counted,
    mid_ranks,
    normal_p,
    shares_p,
    sign_p,
    signed_rank,
    student_bound,
    student_p,
)

_VALUES = st.lists(st.integers(-6, 6), min_size=1, max_size=9)


def counted_by_hand(values: list[int]) -> float:
    """Over every choice of signs: how many give a sum of ranks as far from the middle."""
    left = [value for value in values if value]
    if not left:
        return 1.0
    ranks = mid_ranks(np.abs(np.array(left, dtype=float)))
    sums = [sum(r for r, sign in zip(ranks, signs, strict=True) if sign) for signs in product((0, 1), repeat=len(left))]
    seen = sum(r for r, value in zip(ranks, left, strict=True) if value > 0)
    middle = ranks.sum() / 2
    return sum(abs(one - middle) >= abs(seen - middle) - 1e-9 for one in sums) / len(sums)


def test_equal_values_share_their_ranks() -> None:
    assert mid_ranks(np.array([10.0, 20.0, 20.0, 5.0])).tolist() == [2.0, 3.5, 3.5, 1.0]


@given(_VALUES)
def test_signed_ranks_are_counted_exactly(values: list[int]) -> None:
    assert signed_rank(np.array(values, dtype=float)) == pytest.approx(counted_by_hand(values))


@given(_VALUES)
def test_signed_ranks_do_not_care_which_side_is_which(values: list[int]) -> None:
    numbers = np.array(values, dtype=float)
    assert signed_rank(numbers) == pytest.approx(signed_rank(-numbers))


def test_signed_ranks_of_a_table() -> None:
    # n = 10 and a smaller sum of 8 is the bound of 5 % (two-sided) in every table: P = 0.0488.
    values = np.array([-8.0, 1, 2, 3, 4, 5, 6, 7, 9, 10])
    assert signed_rank(values) == pytest.approx(0.0488, abs=5e-5)


def test_many_values_are_as_good_as_normal() -> None:
    rng = np.random.default_rng(1)
    near = rng.normal(0.1, 1, 200)
    exact, normal = signed_rank(near), signed_rank(np.concatenate([near, near[:1] * 1e-9]))
    assert normal == pytest.approx(exact, abs=0.015)


def test_mann_whitney_counts_who_is_above() -> None:
    above, p = mann_whitney(np.array([1.0, 2, 3]), np.array([3.0, 4]))
    assert above == pytest.approx((3 + 2 + 0.5) / 6)
    assert 0.1 < p < 0.3
    assert mann_whitney(np.array([1.0, 1]), np.array([1.0, 1, 1])) == (0.5, 1.0)
    assert mann_whitney(np.array([]), np.array([1.0])) == (0.5, 1.0)


def test_mann_whitney_of_two_clearly_apart() -> None:
    # U = 0 with 8 and 8: z = (32 - 0.5) / sqrt(8 * 8 * 17 / 12) = 3.308.
    above, p = mann_whitney(np.arange(8.0), np.arange(8.0) + 100)
    assert above == 1.0
    assert p == pytest.approx(normal_p(3.3082), rel=1e-3)


def test_counts_are_values_written_shortly() -> None:
    one, other = np.array([1.0, 1, 2, 3]), np.array([2.0, 3, 3, 3])
    values = np.array([1.0, 2, 3, 2, 3])
    counted = mann_whitney_counted(values, np.array([2.0, 1, 1]), np.array([1.0, 3]))
    assert counted == pytest.approx(mann_whitney(one, other))


@pytest.mark.parametrize(
    ("freedom", "t", "p"),
    [(1, 12.706, 0.05), (2, 4.303, 0.05), (3, 5.841, 0.01), (4, 2.776, 0.05), (7, 3.499, 0.01), (15, 2.131, 0.05)],
)
def test_students_t_is_that_of_the_tables(freedom: int, t: float, p: float) -> None:
    assert student_p(t, freedom) == student_p(-t, freedom) == pytest.approx(p, rel=2e-3)
    assert student_bound(p, freedom) == pytest.approx(t, rel=1e-3)
    assert student_p(0.0, freedom) == pytest.approx(1.0)
    assert student_p(1e9, freedom) == pytest.approx(0.0, abs=1e-8)


def test_failures_of_one_side_alone() -> None:
    assert sign_p(0, 0) == 1.0
    assert sign_p(3, 3) == 1.0
    assert sign_p(0, 5) == pytest.approx(2 / 32)
    assert sign_p(1, 9) == sign_p(9, 1) == pytest.approx(2 * 11 / 1024)


def test_two_shares_of_the_same() -> None:
    assert shares_p(0, 100, 0, 100) == shares_p(3, 3, 5, 5) == shares_p(1, 0, 1, 5) == 1.0
    assert shares_p(5, 100, 10, 200) == pytest.approx(1.0)
    # 10 of 100 against 20 of 100: z = 0.1 / sqrt(0.15 * 0.85 * 0.02) = 1.980.
    assert shares_p(10, 100, 20, 100) == shares_p(20, 100, 10, 100) == pytest.approx(normal_p(1.9803), rel=1e-3)


def test_holm_raises_each_by_what_is_left_and_keeps_the_order() -> None:
    assert holm({}) == {}
    adjusted = holm({"a": 0.01, "b": 0.02, "c": 0.021, "d": 0.5})
    assert adjusted == pytest.approx({"a": 0.04, "b": 0.06, "c": 0.06, "d": 0.5})
    assert holm({"a": 0.9, "b": 0.8}) == {"b": 1.0, "a": 1.0}
