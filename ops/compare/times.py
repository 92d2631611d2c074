"""Two instances' times for the same questions, pair by pair: how they differ, and how sure that is. Pure.

`typical` is the typical pair: the mean of the candidate's time over the baseline's, on a logarithmic scale, with what
being asked second meant taken out and the outermost quarters drawn in. One instance alone can be slow for a while
(another program on its core, a collection of garbage), so neighbouring pairs say less than their number: it is groups
of neighbours whose differences must agree, and that are drawn again for intervals (bootstrap).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import exp, inf, log, sqrt

import numpy as np
from numpy.typing import NDArray

from ops.compare.measured import Pair, Side
from ops.compare.ranks import Floats, mann_whitney, signed_rank, student_bound, student_p

DRAWINGS = 2000
LEVEL = 0.95
NORMAL = 1.96
_OUTERMOST = 25
_LEAST_S = 1e-6
# Further off than any ratio of times, for an interval that knows no bound: 100.
_FAR = log(100)
# Of a group of neighbours: pairs at least, and of groups: at most.
_NEIGHBOURS, _FEW_NEIGHBOURS, _ENOUGH_GROUPS, _MOST_GROUPS = 5, 3, 8, 16


@dataclass(frozen=True, slots=True)
class Ratio:
    """Candidate over baseline, with its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Times:
    """The times of whole pairs, in the order of measuring. `lots` is 1 where the candidate was asked first, else -1."""

    baseline: Floats
    candidate: Floats
    lots: Floats

    @classmethod
    def of(cls, pairs: Sequence[Pair]) -> "Times":
        """Of pairs that are whole."""
        seconds = np.array([[one.seconds for one in pair.both()] for pair in pairs], dtype=np.float64).reshape(-1, 2)
        lots = np.array([1.0 if pair.first is Side.CANDIDATE else -1.0 for pair in pairs])
        seconds = np.maximum(seconds, _LEAST_S)
        return cls(seconds[:, 0], seconds[:, 1], lots)

    @property
    def n(self) -> int:
        return len(self.baseline)

    @cached_property
    def p(self) -> float:
        """That two like instances differ so much in one direction: the larger one of what the lots say (exact whatever
        befalls the machine, for what is subtracted does not depend on who was first) and what the groups say."""
        first_over_second = self.lots * self._logs
        by_lot = signed_rank(self.lots * (first_over_second - np.median(first_over_second)))
        mean, error = self._grouped
        if len(self.groups) < 2:
            return 1.0
        if error == 0.0:
            return by_lot
        return max(by_lot, student_p(mean / error, len(self.groups) - 1))

    @property
    def typical(self) -> Ratio:
        """The typical pair's ratio."""
        mean, error = self._grouped
        far = min(_FAR, student_bound(1 - LEVEL, max(1, len(self.groups) - 1)) * error)
        return Ratio(float(np.exp(mean)), float(np.exp(mean - far)), float(np.exp(mean + far)))

    @property
    def asked_first(self) -> float:
        """How much longer the one asked first took, typically, as a ratio."""
        return float(np.exp(np.median(self.lots * self._logs)))

    @cached_property
    def groups(self) -> list[NDArray[np.intp]]:
        """Neighbours."""
        return neighbours(self.n)

    def superiority(self, questions: NDArray[np.int64]) -> tuple[float, float]:
        """How likely the candidate takes longer when any two answers to the same kind of question are picked, and the
        Mann-Whitney p. Times are taken relative to their question, so that questions are alike."""
        b, c = np.log(self.baseline), np.log(self.candidate)
        _, place = np.unique(questions, return_inverse=True)
        usual = np.bincount(place, weights=(b + c) / 2) / np.bincount(place)
        return mann_whitney(b - usual[place], c - usual[place])

    def intervals(self, rng: np.random.Generator, drawings: int = DRAWINGS) -> tuple[Ratio, Ratio]:
        """Ratio of means, and of medians."""
        groups = len(self.groups)
        chosen = rng.integers(0, groups, (drawings, groups))
        b, c = (_by_group(times, self.groups) for times in (self.baseline, self.candidate))
        means = np.nansum(c, axis=1)[chosen].sum(axis=1) / np.nansum(b, axis=1)[chosen].sum(axis=1)
        medians = [np.nanmedian(times[chosen].reshape(drawings, -1), axis=1) for times in (b, c)]
        return (
            _ratio_of(float(self.candidate.mean() / self.baseline.mean()), means, groups),
            _ratio_of(float(np.median(self.candidate) / np.median(self.baseline)), medians[1] / medians[0], groups),
        )

    @cached_property
    def _logs(self) -> Floats:
        return np.asarray(np.log(self.candidate / self.baseline), dtype=np.float64)

    @cached_property
    def _grouped(self) -> tuple[float, float]:
        """Mean and standard error of the logarithms, by groups; what being first means is half the distance between
        the medians by lot."""
        ahead, behind = self._logs[self.lots > 0], self._logs[self.lots < 0]
        order = (np.median(ahead) - np.median(behind)) / 2 if len(ahead) and len(behind) else 0.0
        level = self._logs - self.lots * order
        level = np.clip(level, *np.percentile(level, [_OUTERMOST, 100 - _OUTERMOST]))
        if len(self.groups) < 2:
            return float(level.mean()), float("inf")
        means = np.array([level[group].mean() for group in self.groups])
        # Drawing in makes values vary less than they do (Dixon and Tukey).
        error = float(means.std(ddof=1)) / sqrt(len(means)) / (1 - 2 * _OUTERMOST / 100)
        return float(means.mean()), error


def neighbours(n: int) -> list[NDArray[np.intp]]:
    """Groups of those that follow each other: at least 5 in each where there are enough, else 3."""
    groups = max(1, n // _NEIGHBOURS, min(_ENOUGH_GROUPS, n // _FEW_NEIGHBOURS))
    return list(np.array_split(np.arange(n), min(_MOST_GROUPS, groups)))


def interval(value: float, drawn: Floats, groups: int) -> tuple[float, float]:
    """What holds most of what was drawn; wider the fewer groups there were to draw from, which vary less than they
    should by just so much."""
    wider = student_bound(1 - LEVEL, groups - 1) / NORMAL * sqrt(groups / (groups - 1)) if groups > 1 else inf
    tail = (1 - LEVEL) / 2 * 100
    low, high = (float(one) - value for one in np.percentile(drawn, [tail, 100 - tail]))
    return value + wider * low if low else value, value + wider * high if high else value


def _ratio_of(value: float, drawn: Floats, groups: int) -> Ratio:
    low, high = interval(log(value), np.log(drawn), groups)
    return Ratio(value, value * exp(max(-_FAR, low - log(value))), value * exp(min(_FAR, high - log(value))))


def _by_group(times: Floats, groups: Sequence[NDArray[np.intp]]) -> Floats:
    """A row a group, filled up with NaN."""
    table = np.full((len(groups), max(len(group) for group in groups)), np.nan)
    for row, group in zip(table, groups, strict=True):
        row[: len(group)] = times[group]
    return table
