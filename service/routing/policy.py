"""From text to tier: what a policy is, and the seed's own rules as one of them.

A policy judges how demanding a question is and says why. It knows nothing of models, queues or servers; that is
`availability.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from service.routing.features import Reading, read
from service.routing.port import Features, Tier

RESEARCH_WORDS = 30
COMPLEX_WORDS = 15
MEDIUM_WORDS = 5
COMPLEX_TERMS = 2


@dataclass(frozen=True, slots=True)
class Decision:
    """A tier and the reasons for it, worded for people, the weightiest first; never empty."""

    tier: Tier
    reasons: tuple[str, ...]
    features: Features


class Policy(Protocol):
    """Judges a question. Deterministic, total (never raises), far below a millisecond."""

    @property
    def name(self) -> str: ...

    def decide(self, text: str) -> Decision: ...


class SeedPolicy:
    """The original fixed rules, thresholds unchanged; only the matching is by whole words.

    Length alone can make a question dear here, and kind is not looked at: that is what the rules say.
    """

    name = "seed"

    def decide(self, text: str) -> Decision:
        reading = read(text)
        tier, reasons = _seed_tier(reading)
        return Decision(tier, reasons, reading.features)


def _seed_tier(reading: Reading) -> tuple[Tier, tuple[str, ...]]:
    features = reading.features
    dear = [
        (features.research_indicators > 0, counted("research indicator", reading.research_indicators)),
        (features.words > RESEARCH_WORDS, f"{features.words} words, more than {RESEARCH_WORDS}"),
        (features.question_marks > 1, f"{features.question_marks} question marks"),
    ]
    hard = [
        (features.complex_indicators > 1, counted("complex indicator", reading.complex_indicators)),
        (features.words > COMPLEX_WORDS, f"{features.words} words, more than {COMPLEX_WORDS}"),
        (features.technical_terms > COMPLEX_TERMS, counted("technical term", reading.technical_terms)),
    ]
    middling = [
        (features.words > MEDIUM_WORDS, f"{features.words} words, more than {MEDIUM_WORDS}"),
        (features.complex_indicators > 0, counted("complex indicator", reading.complex_indicators)),
        (features.technical_terms > 0, counted("technical term", reading.technical_terms)),
    ]
    for tier, rules in ((Tier.RESEARCH, dear), (Tier.COMPLEX, hard), (Tier.MEDIUM, middling)):
        reasons = tuple(reason for applies, reason in rules if applies)
        if reasons:
            return tier, reasons
    return Tier.SIMPLE, (f"at most {MEDIUM_WORDS} words and no indicator",)


def counted(noun: str, found: Sequence[str]) -> str:
    """For people: "2 complex indicators (compare, analyze)"."""
    plural = "" if len(found) == 1 else "s"
    return f"{len(found)} {noun}{plural} ({', '.join(found)})"
