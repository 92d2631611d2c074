"""Times as Prometheus keeps them."""

from collections.abc import Sequence
from math import inf

import numpy as np
import pytest

from ops.compare.blocks import LEAST_BLOCKS, Block, TierHistory, tier_history, uncumulated
from service.telemetry.catalogue import L


def block(times: Sequence[float]) -> Block:
    """As the histogram of the catalogue counts them."""
    cumulated = {bound: float(sum(time <= bound for time in times)) for bound in (*L, inf)}
    return Block(float(len(times)), float(sum(times)), uncumulated(cumulated))


def blocks(seed: int, number: int = 24, answers: int = 20, ratio: float = 1.0) -> list[Block]:
    rng = np.random.default_rng(seed)
    return [block(list(ratio * 2.0 * rng.lognormal(rng.normal(0, 0.1), 0.4, answers))) for _ in range(number)]


def history(baseline: list[Block], candidate: list[Block]) -> TierHistory:
    found = tier_history("simple", baseline, candidate, np.random.default_rng(1))
    assert found is not None
    return found


def test_counts_up_to_a_bound_become_counts_between_bounds() -> None:
    assert uncumulated({2.0: 5.0, 1.0: 2.0, inf: 5.0}) == ((1.0, 2.0), (2.0, 3.0), (inf, 0.0))
    assert uncumulated({1.0: 2.0, 2.0: 1.9}) == ((1.0, 2.0), (2.0, 0.0))


def test_two_alike_have_ratios_about_one() -> None:
    found = history(blocks(1), blocks(2))
    for one in (found.means, found.medians, found.typical):
        assert one.low < 1 < one.high
    assert found.p > 0.05
    assert found.above == pytest.approx(0.5, abs=0.05)
    assert (found.answers, found.blocks) == ((480, 480), (24, 24))
    assert found.enough


def test_a_slower_candidate_is_seen() -> None:
    found = history(blocks(1), blocks(2, ratio=1.3))
    assert found.p < 0.001
    assert found.typical.value == pytest.approx(1.3, abs=0.1)
    assert found.means_s[1] / found.means_s[0] == pytest.approx(1.3, abs=0.1)
    assert found.medians_s[0] == pytest.approx(2.0, rel=0.1)
    assert found.above > 0.6
    for one in (found.means, found.medians, found.typical):
        assert 1.1 < one.low < one.value < one.high < 1.6


def test_two_alike_are_called_different_seldom() -> None:
    chances = [history(blocks(seed), blocks(1000 + seed)).p for seed in range(100)]
    assert sum(p <= 0.05 for p in chances) <= 10


def test_blocks_with_few_answers_are_left_out_and_few_blocks_are_not_judged() -> None:
    thin = [block([1.0, 1.0]) for _ in range(30)]
    assert tier_history("simple", thin, blocks(1), np.random.default_rng(1)) is None
    found = history([*thin, *blocks(1, number=LEAST_BLOCKS - 1)], blocks(2))
    assert found.blocks == (LEAST_BLOCKS - 1, 24)
    assert not found.enough


def test_times_above_every_bound_are_as_long_as_the_longest_known() -> None:
    found = history([block([10_000.0] * 5)] * 8, [block([10_000.0] * 5)] * 8)
    assert found.medians_s == (600.0, 600.0)
    assert (found.p, found.above) == (1.0, 0.5)
