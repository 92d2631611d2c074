"""Times pair by pair."""

import numpy as np
import pytest

from ops.compare.measured import Side
from ops.compare.ranks import signed_rank
from ops.compare.times import Times, neighbours
from tests.unit.ops.compare.made import answer, pair, pairs


def drawn(n: int, seed: int, *, ratio: float = 1.0, second: float = 1.0) -> Times:
    """Noisy times under a load that comes and goes; the second of a pair is `second` times as quick."""
    rng = np.random.default_rng(seed)
    lots = rng.choice((-1.0, 1.0), n)
    load = np.cumsum(rng.normal(0, 0.1, n))
    noise = rng.normal(0, 0.2, (2, n))
    baseline = np.exp(load + noise[0]) * np.where(lots > 0, second, 1.0)
    candidate = ratio * np.exp(load + noise[1]) * np.where(lots > 0, 1.0, second)
    return Times(baseline, candidate, lots)


def test_times_are_those_of_the_pairs() -> None:
    times = Times.of(
        [pair(answer(1.0), answer(2.0), first=Side.CANDIDATE), pair(answer(3.0), answer(0.0), first=Side.BASELINE)]
    )
    assert times.baseline.tolist() == [1.0, 3.0]
    assert times.candidate.tolist() == [2.0, 1e-6]
    assert times.lots.tolist() == [1.0, -1.0]


def test_a_slower_candidate_is_seen_and_its_size_is_right() -> None:
    times = Times.of(pairs(1.3))
    assert times.p < 1e-6
    assert times.typical.value == pytest.approx(1.3, rel=0.02)


@pytest.mark.parametrize("second", [1.0, 0.3, 2.0])
def test_two_alike_differ_by_chance_alone_whoever_profits_from_being_second(second: float) -> None:
    chances = np.array([drawn(40, seed, second=second).p for seed in range(400)])
    assert 0.02 <= (chances <= 0.05).mean() <= 0.08
    assert 0.4 <= chances.mean() <= 0.6
    effects = [drawn(40, seed, second=second).typical.value for seed in range(100)]
    assert np.median(effects) == pytest.approx(1.0, abs=0.03)


def test_being_second_hides_no_difference() -> None:
    found = [drawn(40, seed, ratio=1.3, second=0.3) for seed in range(100)]
    assert np.mean([times.p <= 0.05 / 5 for times in found]) >= 0.9
    assert np.median([times.typical.value for times in found]) == pytest.approx(1.3, abs=0.04)


def test_what_being_first_costs_is_told() -> None:
    assert drawn(400, 1, second=0.5).asked_first == pytest.approx(2.0, rel=0.1)


def test_intervals_hold_the_truth_nineteen_times_in_twenty() -> None:
    held = np.zeros(2)
    for seed in range(200):
        times = drawn(40, seed, ratio=1.2)
        means, _ = times.intervals(np.random.default_rng(seed), 300)
        held += [one.low <= 1.2 <= one.high for one in (means, times.typical)]
    assert (held / 200 >= 0.9).all()


def test_an_instance_that_is_slow_for_a_while_is_not_a_slower_one() -> None:
    wrong = {True: 0, False: 0}
    for seed in range(300):
        rng = np.random.default_rng(seed)
        own = np.zeros((2, 40))
        for at in range(1, 40):
            own[:, at] = 0.8 * own[:, at - 1] + rng.normal(0, 0.15, 2)
        baseline, candidate = np.exp(own + rng.normal(0, 0.1, (2, 40)))
        times = Times(baseline, candidate, rng.choice((-1.0, 1.0), 40))
        wrong[True] += times.p <= 0.01
        wrong[False] += signed_rank(np.log(candidate / baseline)) <= 0.01
    # What pairs one by one would say, and what groups of neighbours say.
    assert wrong[False] > 60
    assert wrong[True] <= wrong[False] / 3


def test_outliers_move_the_mean_and_not_the_typical_pair() -> None:
    calm = pairs(1.0)
    wild = [*calm[:-2], *(pair(answer(1.0), answer(60.0), first=one.first) for one in calm[-2:])]
    times = Times.of(wild)
    means, _ = times.intervals(np.random.default_rng(1), 200)
    assert means.value > 1.5
    assert times.typical.value == pytest.approx(1.0, abs=0.02)
    assert times.p > 0.05


def test_neighbours_are_a_few_each_and_all_of_them() -> None:
    for n in range(1, 400):
        groups = neighbours(n)
        assert np.concatenate(groups).tolist() == list(range(n))
        assert len(groups) <= 16
    assert [len(neighbours(n)) for n in (1, 2, 6, 12, 24, 40, 160)] == [1, 1, 2, 4, 8, 8, 16]


def test_one_lot_alone_is_no_error() -> None:
    times = Times.of([pair(answer(1.0), answer(1.5), first=Side.BASELINE) for _ in range(3)])
    assert times.typical.value == pytest.approx(1.5)
    assert (times.p, times.typical.high) == (1.0, pytest.approx(150))


def test_who_was_always_second_is_not_called_slower() -> None:
    rng = np.random.default_rng(1)
    baseline, candidate = np.exp(rng.normal(0, 0.05, (2, 40))) * [[1.0], [1.5]]
    assert Times(baseline, candidate, -np.ones(40)).p > 0.1
    assert Times(baseline, candidate, rng.choice((-1.0, 1.0), 40)).p < 0.001


def test_ratios_are_the_candidates_over_the_baselines() -> None:
    means, medians = drawn(200, 1, ratio=1.5).intervals(np.random.default_rng(1), 300)
    for one in (means, medians):
        assert one.value == pytest.approx(1.5, rel=0.1)
        assert 1.2 < one.low < one.value < one.high < 1.9


def test_any_two_answers_are_compared_relative_to_their_question() -> None:
    found = pairs(1.3)
    above, p = Times.of(found).superiority(np.array([one.question for one in found]))
    assert above > 0.99
    assert p < 0.001
