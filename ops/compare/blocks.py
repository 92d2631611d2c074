"""Times of answers as Prometheus keeps them: counts in buckets, block of time by block. Pure.

Answers of the same minutes depend on each other (the same load, the same queue), so it is blocks that are compared,
not answers: each block counts once, with the mean of its answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf

import numpy as np

from ops.compare.ranks import Floats, mann_whitney, mann_whitney_counted
from ops.compare.times import LEVEL, Ratio

# A block with fewer answers is left out; a tier with fewer blocks is not judged.
LEAST_ANSWERS = 3
LEAST_BLOCKS = 8
DRAWINGS = 2000


@dataclass(frozen=True, slots=True)
class Block:
    """Answers of some minutes: how many, their seconds together, and `buckets` (upper bound, how many of them)."""

    count: float
    sum_s: float
    buckets: tuple[tuple[float, float], ...]

    @property
    def mean_s(self) -> float:
        return self.sum_s / self.count


@dataclass(frozen=True, slots=True)
class TierHistory:
    """How one tier's times compare. `typical` is the median block's mean, candidate over baseline; `above` how likely
    the candidate's is the longer one of any two answers."""

    tier: str
    answers: tuple[int, int]
    blocks: tuple[int, int]
    means_s: tuple[float, float]
    medians_s: tuple[float, float]
    means: Ratio
    medians: Ratio
    typical: Ratio
    p: float
    above: float

    @property
    def enough(self) -> bool:
        """Whether it may be judged."""
        return min(self.blocks) >= LEAST_BLOCKS


def uncumulated(bounds: dict[float, float]) -> tuple[tuple[float, float], ...]:
    """From "so many up to here" to "so many in this bucket". Prometheus' estimates may fall a little: never below 0."""
    ordered = sorted(bounds.items())
    return tuple((bound, max(0.0, upto - before)) for (_, before), (bound, upto) in pairwise([(0.0, 0.0), *ordered]))


def tier_history(
    tier: str, baseline: Sequence[Block], candidate: Sequence[Block], rng: np.random.Generator
) -> TierHistory | None:
    """None when either has no block with enough answers."""
    sides = [[block for block in blocks if block.count >= LEAST_ANSWERS] for blocks in (baseline, candidate)]
    if not all(sides):
        return None
    b, c = (_Drawn(blocks, rng) for blocks in sides)
    block_means = [np.array([block.mean_s for block in blocks]) for blocks in sides]
    return TierHistory(
        tier=tier,
        answers=(round(b.answers), round(c.answers)),
        blocks=(len(sides[0]), len(sides[1])),
        means_s=(b.mean_s, c.mean_s),
        medians_s=(b.median_s, c.median_s),
        means=_over(b.mean_s, b.means, c.mean_s, c.means),
        medians=_over(b.median_s, b.medians, c.median_s, c.medians),
        typical=_over(b.typical_s, b.typicals, c.typical_s, c.typicals),
        p=mann_whitney(*block_means)[1],
        above=_above(sides[0], sides[1]),
    )


class _Drawn:
    """Figures of one side's blocks, and the same of blocks drawn again."""

    def __init__(self, blocks: Sequence[Block], rng: np.random.Generator) -> None:
        counts, sums = (np.array([getattr(block, name) for block in blocks]) for name in ("count", "sum_s"))
        self._bounds = sorted({bound for block in blocks for bound, _ in block.buckets})
        table = np.array([[dict(block.buckets).get(bound, 0.0) for bound in self._bounds] for block in blocks])
        chosen = rng.integers(0, len(blocks), (DRAWINGS, len(blocks)))
        self.answers = float(counts.sum())
        self.mean_s = float(sums.sum() / counts.sum())
        self.means: Floats = sums[chosen].sum(axis=1) / counts[chosen].sum(axis=1)
        self.median_s = self._median(table.sum(axis=0))
        self.medians: Floats = np.array([self._median(row) for row in table[chosen].sum(axis=1)])
        self.typical_s = float(np.median(sums / counts))
        self.typicals: Floats = np.median((sums / counts)[chosen], axis=1)

    def _median(self, counts: Floats) -> float:
        """Within its bucket as far up as its rank is; the highest known bound where it is above all."""
        half, upto, lower = counts.sum() / 2, 0.0, 0.0
        for bound, count in zip(self._bounds, counts, strict=True):
            if upto + count >= half and count > 0:
                return lower if bound == inf else lower + (bound - lower) * float((half - upto) / count)
            upto, lower = upto + count, bound if bound < inf else lower
        return lower


def _above(baseline: Sequence[Block], candidate: Sequence[Block]) -> float:
    values, counts = [], []
    for blocks in (baseline, candidate):
        pairs = [pair for block in blocks for pair in block.buckets]
        values.append(np.array([bound for bound, _ in pairs]))
        counts.append(np.array([count for _, count in pairs]))
    return mann_whitney_counted(np.concatenate(values), counts[0], counts[1])[0]


def _over(below: float, belows: Floats, above: float, aboves: Floats) -> Ratio:
    tail = (1 - LEVEL) / 2 * 100
    low, high = np.percentile(aboves / np.maximum(belows, 1e-9), [tail, 100 - tail])
    return Ratio(above / max(below, 1e-9), float(low), float(high))
