"""Figures about a policy on labelled prompts. Pure; the meaning of each figure is in its docstring."""

import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from service.routing.policy import Policy
from service.routing.port import Tier

TIERS = tuple(Tier)
VARIANTS: dict[str, Callable[[str], str]] = {
    "upper case": str.upper,
    "lower case": str.lower,
    "white space around": lambda text: f" \n\t{text}  \n",
    "doubled spaces": lambda text: text.replace(" ", "  "),
}


@dataclass(frozen=True, slots=True)
class Prompt:
    """One labelled question; see `prompts.jsonl`."""

    id: str
    text: str
    tier: Tier
    code: bool
    language: str
    style: str
    group: str
    split: str


@dataclass(frozen=True, slots=True)
class Judged:
    """A prompt and what the policy made of it."""

    prompt: Prompt
    tier: Tier
    code: bool

    @property
    def distance(self) -> int:
        """Tiers too high (positive) or too low (negative)."""
        return TIERS.index(self.tier) - TIERS.index(self.prompt.tier)


def judge(policy: Policy, prompts: Iterable[Prompt]) -> list[Judged]:
    decisions = [(prompt, policy.decide(prompt.text)) for prompt in prompts]
    return [Judged(prompt, decision.tier, decision.features.code) for prompt, decision in decisions]


def confusion(judged: Iterable[Judged]) -> list[list[int]]:
    """Rows are labels, columns decisions, both from simple to research."""
    counts = Counter((item.prompt.tier, item.tier) for item in judged)
    return [[counts[label, decided] for decided in TIERS] for label in TIERS]


def macro_f1(judged: Sequence[Judged]) -> float:
    """Mean of the four tiers' F1; a tier without labels and decisions counts 0."""
    matrix = confusion(judged)
    scores = []
    for tier in range(len(TIERS)):
        hits = matrix[tier][tier]
        total = sum(matrix[tier]) + sum(row[tier] for row in matrix)
        scores.append(2 * hits / total if total else 0.0)
    return sum(scores) / len(scores)


def share(values: Iterable[bool]) -> float:
    listed = list(values)
    return sum(listed) / len(listed) if listed else 0.0


def summary(judged: Sequence[Judged]) -> dict[str, object]:
    """The quality of one policy on one split, rounded to what the sample size can carry."""
    coded = [item for item in judged if item.prompt.code]
    said = [item for item in judged if item.code]
    return {
        "prompts": len(judged),
        "macro_f1": round(macro_f1(judged), 4),
        "accuracy": round(share(item.distance == 0 for item in judged), 4),
        "under_routed": round(share(item.distance < 0 for item in judged), 4),
        "over_routed": round(share(item.distance > 0 for item in judged), 4),
        "two_tiers_off": round(share(abs(item.distance) > 1 for item in judged), 4),
        "code_recall": round(share(item.code for item in coded), 4),
        "code_precision": round(share(item.prompt.code for item in said), 4),
        "confusion": confusion(judged),
        "accuracy_by": {
            aspect: {
                value: round(share(item.distance == 0 for item in judged if getattr(item.prompt, aspect) == value), 4)
                for value in sorted({getattr(item.prompt, aspect) for item in judged})
            }
            for aspect in ("style", "language")
        },
    }


def stability(policy: Policy, prompts: Sequence[Prompt]) -> dict[str, float]:
    """Share of prompts whose tier survives each variant, and of paraphrase pairs (same group) that agree."""
    tiers = {prompt.id: policy.decide(prompt.text).tier for prompt in prompts}
    figures = {
        name: share(policy.decide(change(prompt.text)).tier == tiers[prompt.id] for prompt in prompts)
        for name, change in VARIANTS.items()
    }
    pairs = [(a, b) for a, b in itertools.combinations(prompts, 2) if a.group == b.group]
    figures["paraphrase pairs"] = share(tiers[a.id] == tiers[b.id] for a, b in pairs)
    return {name: round(value, 4) for name, value in figures.items()}


def gain_interval(ours: Sequence[Judged], theirs: Sequence[Judged], rounds: int = 1000) -> tuple[float, float]:
    """95 % interval of the difference in macro-F1 by bootstrap over groups (paraphrases are not independent)."""
    groups: dict[str, list[tuple[Judged, Judged]]] = {}
    for mine, other in zip(ours, theirs, strict=True):
        groups.setdefault(mine.prompt.group, []).append((mine, other))
    names, dice, gains = sorted(groups), random.Random(7), []
    for _ in range(rounds):
        drawn = [pair for name in dice.choices(names, k=len(names)) for pair in groups[name]]
        gains.append(macro_f1([mine for mine, _ in drawn]) - macro_f1([other for _, other in drawn]))
    gains.sort()
    return round(gains[rounds // 40], 3), round(gains[-1 - rounds // 40], 3)


def decision_times_us(policy: Policy, texts: Sequence[str], repeats: int = 20) -> tuple[float, float]:
    """p50 and p99 of one decision, in microseconds of wall time."""
    taken = []
    for text in itertools.chain.from_iterable(itertools.repeat(texts, repeats)):
        before = time.perf_counter_ns()
        policy.decide(text)
        taken.append((time.perf_counter_ns() - before) / 1000)
    taken.sort()
    return round(taken[len(taken) // 2], 1), round(taken[len(taken) * 99 // 100], 1)
