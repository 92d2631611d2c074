"""The verdict, and the exit code that tells it to a program. Pure.

Several things are tested at once: every tier and all together for time; texts, sources and failures for content. Both
families have their own part of 5 %, corrected by Holm's method, so that two like instances are called different in at
most one comparison in twenty, whatever is tested. A difference must also be large enough to matter.
"""

from dataclasses import dataclass
from enum import StrEnum

from ops.compare.findings import ALL, Findings, TierTimes
from ops.compare.ranks import holm

# Together 5 %.
TIMES_ALPHA = 0.035
ANSWERS_ALPHA = 0.015
# What answers must lose in likeness across the two, to be called different.
ANSWERS_FLOOR = 0.02
TEXTS, SOURCES, FAILURES = "texts", "sources", "failures"


class Verdict(StrEnum):
    """Of the candidate."""

    FASTER = "faster"
    NO_EVIDENCE = "no evidence"
    SLOWER = "slower"
    DIFFERENT = "different answers"


# 10 and above: the comparison worked, and speaks against the candidate (or says nothing).
EXIT_CODES = {Verdict.FASTER: 0, Verdict.NO_EVIDENCE: 0, Verdict.SLOWER: 10, Verdict.DIFFERENT: 11}
TOO_LITTLE = 12


@dataclass(frozen=True, slots=True)
class Floor:
    """The change that matters: `share` 0.1 = ten per cent more, or as much less on a ratio's scale; and at least
    `seconds`, which nobody notices, and by which two processes of the same build differ on one machine."""

    share: float = 0.1
    seconds: float = 0.02

    def side_of(self, ratio: float, usual_s: float) -> int:
        """1 slower, -1 faster, 0 less than matters."""
        if abs(ratio - 1) * usual_s < self.seconds or 1 / (1 + self.share) < ratio < 1 + self.share:
            return 0
        return 1 if ratio > 1 else -1

    def __str__(self) -> str:
        return f"{self.share:.0%} and {self.seconds * 1000:g} ms"


@dataclass(frozen=True, slots=True)
class Judgement:
    """`verdict` is the headline; `slower` and `faster` name tiers, `different` what differs of the answers.

    `p` are the corrected ones, of everything that was tested. `unjudged` tiers had too few pairs; `enough` says
    whether any tier was judged.
    """

    verdict: Verdict
    floor: Floor
    slower: tuple[str, ...]
    faster: tuple[str, ...]
    different: tuple[str, ...]
    p: dict[str, float]
    unjudged: tuple[str, ...]
    enough: bool

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.verdict] if self.enough or self.different else TOO_LITTLE


def judge(found: Findings, floor: Floor) -> Judgement:
    """Nothing below the floor is called a change."""
    judged = {tier.tier: tier for tier in found.tiers if tier.enough}
    times = holm({name: tier.p for name, tier in judged.items()})
    sure = [tier for name, tier in judged.items() if times[name] <= TIMES_ALPHA]
    slower = tuple(tier.tier for tier in sure if _side(tier, floor) > 0)
    faster = tuple(tier.tier for tier in sure if _side(tier, floor) < 0)
    answers = holm(_answers(found))
    different = tuple(name for name, p in answers.items() if p <= ANSWERS_ALPHA and _matters(found, name))
    return Judgement(
        verdict=_headline(slower, faster, different),
        floor=floor,
        slower=slower,
        faster=faster,
        different=different,
        p=times | answers,
        unjudged=(*(tier.tier for tier in found.tiers if not tier.enough and tier.tier != ALL), *found.unpaired),
        enough=bool(judged),
    )


def _headline(slower: tuple[str, ...], faster: tuple[str, ...], different: tuple[str, ...]) -> Verdict:
    """Times of other answers do not compare; and what got slower counts more than what got faster."""
    if different:
        return Verdict.DIFFERENT
    if slower:
        return Verdict.SLOWER
    return Verdict.FASTER if faster else Verdict.NO_EVIDENCE


def _side(tier: TierTimes, floor: Floor) -> int:
    return floor.side_of(tier.typical.value, tier.baseline_median_s)


def _answers(found: Findings) -> dict[str, float]:
    tested = {TEXTS: found.texts.p, SOURCES: found.sources.p, FAILURES: found.failures.p}
    return {name: p for name, p in tested.items() if p is not None}


def _matters(found: Findings, name: str) -> bool:
    if name == FAILURES:
        return found.failures.candidate_alone > found.failures.baseline_alone
    gap = (found.texts if name == TEXTS else found.sources).gap
    return gap is not None and gap >= ANSWERS_FLOOR
