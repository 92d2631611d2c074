"""What the pairs say: for each tier times and stages, and over all answers, tokens, cache and failures. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ops.compare.likeness import Alike, alike, sources_alike, words_alike
from ops.compare.measured import Lost, Pair, Side, Taken
from ops.compare.ranks import sign_p
from ops.compare.times import DRAWINGS, Ratio, Times, interval, neighbours
from service.routing.port import Tier

ALL = "all"
# With fewer pairs nothing is said of a tier.
ENOUGH = 12


@dataclass(frozen=True, slots=True)
class TierTimes:
    """How one tier's times compare. `p` is the paired test's, before others are counted in; `above` is how likely the
    candidate's is the longer one of two answers, with Mann-Whitney's p."""

    tier: str
    n: int
    baseline_mean_s: float
    candidate_mean_s: float
    baseline_median_s: float
    candidate_median_s: float
    means: Ratio
    medians: Ratio
    typical: Ratio
    p: float
    above: float
    above_p: float
    asked_first: float

    @property
    def enough(self) -> bool:
        """Whether it may be judged."""
        return self.n >= ENOUGH


@dataclass(frozen=True, slots=True)
class StageTimes:
    """Means of one stage in one tier; `gained_s` is the candidate's excess, with its interval."""

    tier: str
    stage: str
    baseline_s: float
    candidate_s: float
    low_s: float
    high_s: float

    @property
    def gained_s(self) -> float:
        return self.candidate_s - self.baseline_s


@dataclass(frozen=True, slots=True)
class Failures:
    """Of whole pairs and broken ones: who failed where the other did not, why, and how likely that is by the lot."""

    baseline_alone: int
    candidate_alone: int
    both: int
    p: float
    kinds: Mapping[Side, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one side's answers, in whole pairs."""

    answers: int
    input_tokens: float
    output_tokens: float
    tokens_per_s: float | None
    hits: int
    models: Mapping[str, int]
    modes: Mapping[str, int]
    degraded: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that is judged or shown. `tiers` are those seen, cheapest first, and all of them together where there
    are several; `unpaired` are those in which no question was answered by both; `texts_by_tier` are the gaps between
    answers."""

    pairs: int
    tiers: tuple[TierTimes, ...]
    unpaired: tuple[str, ...]
    stages: tuple[StageTimes, ...]
    texts: Alike
    sources: Alike
    texts_by_tier: Mapping[str, float]
    same_text: float
    failures: Failures
    counts: Mapping[Side, Counts]
    output_tokens: Ratio | None
    routed_apart: int
    questions_by_tier: Mapping[str, int] = field(default_factory=dict)


def findings(pairs: Sequence[Pair], seed: int, drawings: int = DRAWINGS) -> Findings:
    """The same pairs and seed give the same findings. `drawings` are for the intervals, which nothing is judged by."""
    rng = np.random.default_rng(seed)
    whole = [pair for pair in pairs if pair.whole]
    tiers = _by_tier(whole)
    groups = tiers if len(tiers) < 2 else tiers | {ALL: whole}
    texts = alike(whole, words_alike, rng)
    gaps = {
        tier: [texts.by_question[q] for q in _questions(of) if q in texts.by_question] for tier, of in tiers.items()
    }
    return Findings(
        pairs=len(pairs),
        tiers=tuple(_tier(name, of, rng, drawings) for name, of in groups.items()),
        unpaired=_unpaired(pairs, tiers),
        stages=tuple(stage for name, of in groups.items() for stage in _stages(name, of, rng, drawings)),
        texts=texts,
        sources=alike(whole, sources_alike, rng),
        texts_by_tier={tier: float(np.mean(found)) for tier, found in gaps.items() if found},
        same_text=_share(whole, lambda one, other: one.answer == other.answer),
        failures=_failures(pairs),
        counts={side: _counts([pair.both()[side is Side.CANDIDATE] for pair in whole]) for side in Side},
        output_tokens=_output_tokens(whole, rng, drawings),
        routed_apart=sum(one.tier != other.tier for one, other in (pair.both() for pair in whole)),
        questions_by_tier={tier: len(_questions(of)) for tier, of in tiers.items()},
    )


def _by_tier(whole: Iterable[Pair]) -> dict[str, list[Pair]]:
    """By the baseline's tier: what is asked is the same, however the candidate judges it."""
    found: dict[str, list[Pair]] = {}
    for pair in whole:
        found.setdefault(pair.both()[0].tier, []).append(pair)
    known = [tier.value for tier in Tier]
    return {
        tier: found[tier]
        for tier in sorted(found, key=lambda tier: (tier not in known, known.index(tier) if tier in known else 0))
    }


def _unpaired(pairs: Iterable[Pair], paired: Mapping[str, list[Pair]]) -> tuple[str, ...]:
    answers = (one for pair in pairs if not pair.whole for one in (pair.baseline, pair.candidate))
    return tuple(dict.fromkeys(one.tier for one in answers if isinstance(one, Taken) and one.tier not in paired))


def _questions(pairs: Iterable[Pair]) -> list[int]:
    return sorted({pair.question for pair in pairs})


def _tier(name: str, pairs: Sequence[Pair], rng: np.random.Generator, drawings: int) -> TierTimes:
    times = Times.of(pairs)
    means, medians = times.intervals(rng, drawings)
    above, above_p = times.superiority(np.array([pair.question for pair in pairs]))
    return TierTimes(
        tier=name,
        n=times.n,
        baseline_mean_s=float(times.baseline.mean()),
        candidate_mean_s=float(times.candidate.mean()),
        baseline_median_s=float(np.median(times.baseline)),
        candidate_median_s=float(np.median(times.candidate)),
        means=means,
        medians=medians,
        typical=times.typical,
        p=times.p,
        above=above,
        above_p=above_p,
        asked_first=times.asked_first,
    )


def _stages(tier: str, pairs: Sequence[Pair], rng: np.random.Generator, drawings: int) -> list[StageTimes]:
    answers = [pair.both() for pair in pairs]
    names = dict.fromkeys(name for both in answers for one in both for name in one.stages)
    groups = neighbours(len(pairs))
    chosen = rng.integers(0, len(groups), (drawings, len(groups)))
    found = []
    for name in names:
        seconds = np.array([[one.stages.get(name, 0.0) for one in both] for both in answers])
        gained = seconds[:, 1] - seconds[:, 0]
        drawn = np.array([gained[group].mean() for group in groups])[chosen].mean(axis=1)
        low, high = interval(float(gained.mean()), drawn, len(groups))
        baseline, candidate = seconds.mean(axis=0)
        found.append(StageTimes(tier, name, float(baseline), float(candidate), float(low), float(high)))
    return found


def _failures(pairs: Sequence[Pair]) -> Failures:
    lost = [(isinstance(pair.baseline, Lost), isinstance(pair.candidate, Lost)) for pair in pairs]
    baseline, candidate = lost.count((True, False)), lost.count((False, True))
    kinds = {
        Side.BASELINE: _tally(pair.baseline.kind for pair in pairs if isinstance(pair.baseline, Lost)),
        Side.CANDIDATE: _tally(pair.candidate.kind for pair in pairs if isinstance(pair.candidate, Lost)),
    }
    return Failures(baseline, candidate, lost.count((True, True)), sign_p(baseline, candidate), kinds)


def _counts(answers: Sequence[Taken]) -> Counts:
    writing_s = sum(one.stages.get("generate", 0.0) for one in answers)
    written = sum(one.output_tokens for one in answers)
    n = max(1, len(answers))
    return Counts(
        answers=len(answers),
        input_tokens=sum(one.input_tokens for one in answers) / n,
        output_tokens=written / n,
        tokens_per_s=written / writing_s if writing_s > 0 and written else None,
        hits=sum(one.cache == "hit" for one in answers),
        models=_tally(one.model for one in answers),
        modes=_tally(one.mode for one in answers),
        degraded=_tally(reason for one in answers for reason in one.degraded),
    )


def _output_tokens(whole: Sequence[Pair], rng: np.random.Generator, drawings: int) -> Ratio | None:
    """Candidate over baseline; None where nothing was written."""
    tokens = np.array([[one.output_tokens for one in pair.both()] for pair in whole], dtype=np.float64).reshape(-1, 2)
    if not len(tokens) or not tokens.sum(axis=0).all():
        return None
    drawn = tokens[rng.integers(0, len(tokens), (drawings, len(tokens)))].sum(axis=1)
    low, high = np.percentile(drawn[:, 1] / np.maximum(drawn[:, 0], 1), [2.5, 97.5])
    return Ratio(float(tokens[:, 1].sum() / tokens[:, 0].sum()), float(low), float(high))


def _share(whole: Sequence[Pair], holds: Callable[[Taken, Taken], bool]) -> float:
    return sum(holds(*pair.both()) for pair in whole) / len(whole) if whole else 0.0


def _tally(words: Iterable[str]) -> dict[str, int]:
    return dict(Counter(words))
