"""Tests on ranks, and keeping several of them in hand. Pure.

The paired test is a randomisation test: which of the two was asked first was drawn by lot for each pair, so if both
are alike, every other drawing was as likely. That holds whatever the noise is like: load that comes and goes, times
that follow each other, heavy tails.
"""

from math import atan, comb, cos, erfc, pi, sin, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# Up to here every drawing is counted; above, the sum of ranks is as good as normal.
_EXACT = 200


def mid_ranks(values: Floats) -> Floats:
    """1, 2, ...; equal values share the mean of their ranks."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[place], dtype=np.float64)


def signed_rank(values: Floats) -> float:
    """Two-sided p of the hypothesis that each value was as likely to have the other sign (Wilcoxon). Zeros are left
    out; 1 when nothing is left."""
    values = values[values != 0]
    if not len(values):
        return 1.0
    # Doubled, so that shared ranks are whole numbers too.
    ranks = np.rint(2 * mid_ranks(np.abs(values))).astype(np.int64)
    seen, whole = int(ranks[values > 0].sum()), int(ranks.sum())
    if len(values) > _EXACT:
        spread = sqrt(float((ranks.astype(np.float64) ** 2).sum())) / 2
        return normal_p((abs(seen - whole / 2) - 1) / spread)
    # How many choices of signs give each sum.
    choices = np.zeros(whole + 1)
    choices[0], highest = 1.0, 0
    for rank in ranks.tolist():
        highest += rank
        choices[rank : highest + 1] += choices[: highest + 1 - rank].copy()
    far = np.abs(2 * np.arange(whole + 1) - whole) >= abs(2 * seen - whole)
    return float(min(1.0, choices[far].sum() / choices.sum()))


def mann_whitney(one: Floats, other: Floats) -> tuple[float, float]:
    """How likely a value of `other` is above one of `one` (ties count half), and the two-sided p that it is 1/2
    (normal, corrected for ties)."""
    return mann_whitney_counted(np.concatenate([one, other]), np.ones(len(one)), np.ones(len(other)))


def mann_whitney_counted(values: Floats, one: Floats, other: Floats) -> tuple[float, float]:
    """The same where values come with counts: first the places of `one` in `values`, then those of `other`."""
    counts = np.concatenate([one, other])
    n, m = float(one.sum()), float(other.sum())
    if not n or not m:
        return 0.5, 1.0
    _, place = np.unique(values, return_inverse=True)
    ties = np.bincount(place, weights=counts)
    ranks = np.cumsum(ties) - (ties - 1) / 2
    above = float((ranks[place[len(one) :]] * other).sum()) - m * (m + 1) / 2
    spread2 = n * m / 12 * ((n + m + 1) - float((ties**3 - ties).sum()) / ((n + m) * max(1.0, n + m - 1)))
    if spread2 <= 0:
        return above / (n * m), 1.0
    return above / (n * m), normal_p((abs(above - n * m / 2) - 0.5) / sqrt(spread2))


def normal_p(z: float) -> float:
    """Two-sided."""
    return min(1.0, erfc(max(0.0, z) / sqrt(2)))


def student_p(t: float, freedom: int) -> float:
    """Two-sided p of Student's t with so many degrees of freedom (Abramowitz and Stegun, 26.7.3 and 26.7.4)."""
    angle = atan(abs(t) / sqrt(freedom))
    term, total = (cos(angle), 0.0) if freedom % 2 else (1.0, 1.0)
    if freedom % 2:
        for k in range(1, freedom - 1, 2):
            total += term
            term *= cos(angle) ** 2 * (k + 1) / (k + 2)
        inside = 2 / pi * (angle + sin(angle) * total)
    else:
        for k in range(1, freedom - 2, 2):
            term *= cos(angle) ** 2 * k / (k + 1)
            total += term
        inside = sin(angle) * total
    return min(1.0, max(0.0, 1 - inside))


def student_bound(p: float, freedom: int) -> float:
    """The t that has this two-sided p."""
    low, high = 0.0, 1e6
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if student_p(middle, freedom) > p else (low, middle)
    return high


def sign_p(ones: int, others: int) -> float:
    """Two-sided p that of `ones + others` events each was as likely to be the one as the other (McNemar, exact)."""
    events, fewer = ones + others, min(ones, others)
    if not events:
        return 1.0
    return float(min(1.0, sum(comb(events, k) for k in range(fewer + 1)) / 2 ** (events - 1)))


def shares_p(some: float, of: float, others: float, of_others: float) -> float:
    """Two-sided p that two shares are one and the same (normal)."""
    if not of or not of_others:
        return 1.0
    share = (some + others) / (of + of_others)
    spread = sqrt(share * (1 - share) * (1 / of + 1 / of_others)) if 0 < share < 1 else 0.0
    return normal_p(abs(some / of - others / of_others) / spread) if spread else 1.0


def holm(chances: dict[Any, float]) -> dict[Any, float]:
    """Each p raised so that, compared with one level, at most that share of whole families holds a false alarm."""
    adjusted: dict[Any, float] = {}
    highest = 0.0
    for passed, (name, p) in enumerate(sorted(chances.items(), key=lambda item: item[1])):
        highest = max(highest, min(1.0, p * (len(chances) - passed)))
        adjusted[name] = highest
    return adjusted
