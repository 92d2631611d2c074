"""Whether two instances answer alike. Pure.

Models do not repeat themselves, so "the texts differ" proves nothing. What is asked is whether an answer is less like
the other instance's answers to the same question than like this instance's own. Within a round the two answers can
be exchanged if both instances are alike: that gives the test, as for times. It needs each question twice.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

import numpy as np

from ops.compare.measured import Pair, Taken
from ops.compare.ranks import Floats

_WORD = re.compile(r"\w+")
DRAWINGS = 4000
Likeness = Callable[[Taken, Taken], float]


@dataclass(frozen=True, slots=True)
class Alike:
    """How alike answers are, from 0 to 1: of one instance to the same question (`within`), and across (`between`).

    `gap` is what is lost across; `p` that it comes from the lot alone. All are None where no question was answered
    twice by both. `by_question` is the gap of each question that was.
    """

    within: float | None = None
    between: float | None = None
    p: float | None = None
    by_question: dict[int, float] = field(default_factory=dict)

    @property
    def gap(self) -> float | None:
        return None if self.within is None or self.between is None else self.within - self.between


def words_alike(one: Taken, other: Taken) -> float:
    """Words and pairs of words that both have, as a share of all (Dice)."""
    return 1.0 if one.answer == other.answer else _dice(_parts(one.answer), _parts(other.answer))


def sources_alike(one: Taken, other: Taken) -> float:
    """Documents that both cite, as a share of all (Dice)."""
    return 1.0 if one.sources == other.sources else _dice(Counter(one.sources), Counter(other.sources))


def alike(pairs: Iterable[Pair], likeness: Likeness, rng: np.random.Generator, drawings: int = DRAWINGS) -> Alike:
    """Of all pairs that are whole."""
    rounds: dict[int, list[tuple[Taken, Taken]]] = {}
    for pair in pairs:
        if pair.whole:
            rounds.setdefault(pair.question, []).append(pair.both())
    tables = {question: _table(asked, likeness) for question, asked in rounds.items() if len(asked) > 1}
    if not tables:
        return Alike()
    seen = 0.0
    drawn = np.zeros(drawings)
    for _, gaps in tables.values():
        if not gaps.any():
            continue
        share = 1 / (len(gaps) * (len(gaps) - 1))
        seen += share * float(gaps.sum())
        lots = rng.choice((-1.0, 1.0), (drawings, len(gaps)))
        drawn += share * ((lots @ gaps) * lots).sum(axis=1)
    by_question = {question: _mean(gaps) / 2 for question, (_, gaps) in tables.items()}
    within = float(np.mean([within for within, _ in tables.values()]))
    gap = float(np.mean(list(by_question.values())))
    p = (1 + int((drawn >= seen - 1e-9).sum())) / (1 + drawings)
    return Alike(within, within - gap, p, by_question)


def _table(asked: Sequence[tuple[Taken, Taken]], likeness: Likeness) -> tuple[float, Floats]:
    """The mean likeness within, and for each two rounds how much is lost across (twice)."""
    n = len(asked)
    gaps, within = np.zeros((n, n)), 0.0
    for i in range(n):
        for j in range(i):
            (a, b), (c, d) = asked[i], asked[j]
            own = likeness(a, c) + likeness(b, d)
            gaps[i, j] = gaps[j, i] = own - likeness(a, d) - likeness(b, c)
            within += own / 2
    return within / (n * (n - 1) / 2), gaps


def _mean(gaps: Floats) -> float:
    """Of what is beside the diagonal."""
    return float(gaps.sum()) / (len(gaps) * (len(gaps) - 1))


@lru_cache(8192)
def _parts(text: str) -> Counter[str]:
    words = _WORD.findall(text.casefold())
    return Counter(words) + Counter(" ".join(two) for two in pairwise(words))


def _dice(one: Counter[str], other: Counter[str]) -> float:
    size = one.total() + other.total()
    return 2 * (one & other).total() / size if size else 1.0
