"""Pairs as a comparison takes them, drawn instead of measured: thousands of comparisons in a minute.

Times are log-normal around each question's own, under a load of the machine that comes and goes (autocorrelated, over
both instances alike), with outliers, and being asked second is quicker, after the first one warmed
what both use. Answers vary by themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ops.compare.findings import findings
from ops.compare.measured import Lost, Pair, Side, Taken
from ops.compare.plan import Asked, plan
from ops.compare.verdict import Floor, Judgement, judge
from service.routing.port import Tier

FLOOR = Floor()
PER_TIER, ROUNDS = 10, 4
# Of what befalls one instance alone, so much remains at its next question.
LASTING = 0.8
USUAL_S = {Tier.SIMPLE: 2.0, Tier.MEDIUM: 5.0, Tier.COMPLEX: 12.0, Tier.RESEARCH: 30.0}
_WORDS = np.array([f"word{number}" for number in range(400)])


@dataclass(frozen=True)
class World:
    """How the two differ, and how noisy they are. Spreads are on a logarithmic scale.

    `times` multiplies the candidate's time in a tier, `failing` is its share of failures, `other_answers` the share of
    questions that it answers with other words. `noise` is of one answer, `load` of the machine, of which `lasting`
    remains at the next question; `alone` is the same of each
    instance by itself; `outliers` take `outlier` times as long. Who asks second takes `second` of the time.
    `varied` is the share of words that an instance itself does not repeat.
    """

    times: Mapping[Tier, float] = field(default_factory=dict)
    failing: float = 0.0
    other_answers: float = 0.0
    noise: float = 0.15
    alone: float = 0.0
    load: float = 0.2
    lasting: float = 0.95
    outliers: float = 0.02
    outlier: float = 3.0
    second: float = 0.85
    varied: float = 0.3


def compared(world: World, seed: int) -> Judgement:
    """One comparison of the default size."""
    return judge(findings(pairs_of(world, seed), seed, drawings=20), FLOOR)


def pairs_of(world: World, seed: int) -> list[Pair]:
    """The same seed gives the same pairs."""
    rng = np.random.default_rng(seed)
    questions = [Asked(f"{tier} {number}", tier) for tier in Tier for number in range(PER_TIER)]
    usual = {at: USUAL_S[Tier(one.tier)] * rng.lognormal(0, 0.4) for at, one in enumerate(questions)}
    words = {at: rng.choice(_WORDS, 60).tolist() for at in usual}
    others = {at: rng.choice(_WORDS, 60).tolist() if rng.random() < world.other_answers else words[at] for at in usual}
    load, alone, pairs = 0.0, dict.fromkeys(Side, 0.0), []
    for step in plan(questions, ROUNDS, 0, seed):
        tier, taken = Tier(questions[step.question].tier), {}
        for side in (step.first, step.first.other):
            load = world.lasting * load + rng.normal(0, world.load * np.sqrt(1 - world.lasting**2))
            alone[side] = LASTING * alone[side] + rng.normal(0, world.alone * np.sqrt(1 - LASTING**2))
            seconds = usual[step.question] * np.exp(load + alone[side] + rng.normal(0, world.noise))
            seconds *= world.outlier if rng.random() < world.outliers else 1.0
            seconds *= 1.0 if side is step.first else world.second
            if side is Side.CANDIDATE:
                seconds *= world.times.get(tier, 1.0)
            said = (others if side is Side.CANDIDATE else words)[step.question]
            taken[side] = _taken(world, side, tier, float(seconds), said, rng)
        both = taken[Side.BASELINE], taken[Side.CANDIDATE]
        pairs.append(Pair(step.question, step.round, step.first, *both))
    return pairs


def _taken(
    world: World, side: Side, tier: Tier, seconds: float, words: list[str], rng: np.random.Generator
) -> Taken | Lost:
    if side is Side.CANDIDATE and rng.random() < world.failing:
        return Lost("timeout", "no answer in time")
    said = words
    if world.varied:
        said = np.where(rng.random(len(words)) < world.varied, rng.choice(_WORDS, len(words)), words).tolist()
    stages = {"retrieve": 0.02, "generate": seconds - 0.02}
    return Taken(seconds, tier, "model", "generated", "bypass", stages, 900, 60, " ".join(said), ("a.md",))
