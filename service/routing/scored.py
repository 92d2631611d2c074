"""The scored policy: a small weighted sum of what a question demands, and the default.

Where the seed's rules read length and keywords, this reads the kind of demand: a fact, an explanation, an analysis, a
synthesis, and how many parts the answer needs. One table (`WEIGHTS`) holds every number with its reason; the sum is
cut into tiers at 1, 2 and 3, so a weight of 1 is worth one tier. The weights were set by hand on the development half
of `tests/eval/prompts.jsonl`; `docs/evaluation/routing.md` has the figures for both halves.

Quoted text is a mention, not a demand ("Who wrote 'A Complete Guide'?"), and code is material, not prose: neither
raises the score. Kind is a second axis: a question whose answer needs code goes at least to the complex tier, whose
model is the coder of the default map. Difficulty alone decides everything else.
"""

import re
from dataclasses import dataclass

from service.routing.features import Reading, read
from service.routing.lexicon import ANALYSIS, COMPLETENESS, DEFINITION, EXPLANATION, FACT, TASKS, WORK
from service.routing.policy import Decision
from service.routing.port import Tier


@dataclass(frozen=True, slots=True)
class Weight:
    """`each` per unit for at most `cap` units, `first` once when there is at least one; `why` is the argument."""

    first: float
    each: float
    cap: int
    why: str


BASE = 0.6
WEIGHTS = {
    "asks for a fact": Weight(-0.8, 0.0, 1, "a name or a number is one lookup, however long the sentence around it"),
    "asks for a definition": Weight(-0.3, 0.0, 1, "weaker: 'what is' opens harder questions too"),
    "asks for an explanation": Weight(0.8, 0.0, 1, "one concept explained; saying so twice adds nothing"),
    "asks for an analysis": Weight(1.5, 0.1, 2, "weighing or computing takes several steps; part of it is explaining"),
    "asks for completeness": Weight(2.4, 0.3, 3, "all there is to a field, in one word: the seed's research rule"),
    "names a large work": Weight(0.6, 0.6, 4, "a report or a history has many parts; one such word may be loose talk"),
    "lists parts": Weight(0.0, 0.45, 6, "each further item of an enumeration is a part of the answer"),
    "sets tasks": Weight(0.0, 0.4, 5, "each task beyond the first is another answer to give"),
    "is long": Weight(0.0, 0.05, 6, "per five words beyond fifteen: weak, since polite questions are long too"),
    "needs code": Weight(0.7, 0.0, 1, "code has to be right, not only plausible"),
}
CUTS = ((3.0, Tier.RESEARCH), (2.0, Tier.COMPLEX), (1.0, Tier.MEDIUM))
CODE_FLOOR = 2.0
FREE_PARTS = 2
LONG_WORDS = 15
WORDS_PER_UNIT = 5

# Fences, inline code and quotes. No alternative scans past the next quote of its kind, so the work stays linear.
_MENTIONED = re.compile(
    "```.*?(?:```|$)"
    "|`[^`]+`"
    '|["\u201c\u201e\u00ab\u00bb][^"\u201c\u201d\u201e\u00ab\u00bb]{1,200}["\u201c\u201d\u00ab\u00bb]'
    r"|(?<!\w)'[^']{1,200}'(?!\w)"
)
_DEMANDS = {
    "asks for a fact": FACT,
    "asks for a definition": DEFINITION,
    "asks for an explanation": EXPLANATION,
    "asks for an analysis": ANALYSIS,
    "asks for completeness": COMPLETENESS,
    "names a large work": WORK,
}
_TRACEBACK = "traceback (most recent call last)"
_WORD = re.compile(r"[^\W_]+")
_PARTS = re.compile(r"[,;:] ")


class ScoredPolicy:
    """Transparent scorer: deterministic, no state, tens of microseconds for a usual question."""

    name = "scored"

    def decide(self, text: str) -> Decision:
        reading = read(text)
        units = _units(reading)
        worth = {name: _worth(WEIGHTS[name], count) for name, (count, _) in units.items()}
        score = BASE + sum(worth.values())
        reasons = [
            f"{name} ({detail})" if detail else name
            for name, (_, detail) in sorted(units.items(), key=lambda unit: -abs(worth[unit[0]]))
            if worth[name]
        ]
        if reading.features.code and score < CODE_FLOOR:
            score = CODE_FLOOR
            reasons.insert(0, "code goes at least to the complex tier")
        tier = next((tier for cut, tier in CUTS if score >= cut), Tier.SIMPLE)
        return Decision(tier, tuple(reasons) or ("short, and nothing asks for more",), reading.features)


def _worth(weight: Weight, count: int) -> float:
    return weight.first + weight.each * min(count, weight.cap) if count else 0.0


def _units(reading: Reading) -> dict[str, tuple[int, str]]:
    """Per row of the table: how many units there are, and the words that show it."""
    prose = _MENTIONED.sub(" ", reading.folded.partition(_TRACEBACK)[0])
    tokens = _WORD.findall(prose)
    known = frozenset(tokens)
    flat = f" {' '.join(tokens)} "
    found = {name: cues.found(flat, known) for name, cues in _DEMANDS.items()}
    if found["asks for an analysis"]:  # it includes explaining, and "what is better" is no look-up
        found["asks for an explanation"] = found["asks for a definition"] = []
    units = {name: (len(words), ", ".join(words[:3])) for name, words in found.items()}
    tasks = sorted(TASKS & known)
    parts = len(_PARTS.findall(prose))
    units["lists parts"] = (max(0, parts - FREE_PARTS), f"{parts} commas, colons or semicolons")
    units["sets tasks"] = (max(0, len(tasks) - 1), ", ".join(tasks[:3]))
    units["is long"] = (max(0, len(tokens) - LONG_WORDS) // WORDS_PER_UNIT, f"{len(tokens)} words")
    units["needs code"] = (int(reading.features.code), "")
    return units
