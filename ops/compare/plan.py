"""What is asked in which order: all of it drawn beforehand from a seed, so that a comparison can be repeated.

Rounds follow each other; within a round the questions of a tier are asked in blocks of a few, so that a machine that
holds one model at a time changes it seldom, and blocks of a tier are spread, so that no passing trouble meets all of
it. The first questions of each block are for warming up and counted by nobody. Who is first is drawn for each pair.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from ops.compare.measured import Side

BLOCK = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """One question. `tier` is what is expected of it, for the order alone; the answers say which it is."""

    text: str
    tier: str


@dataclass(frozen=True, slots=True)
class Step:
    """One question to both, `first` before the other. A `warm` one is not measured."""

    question: int
    round: int
    first: Side
    warm: bool = False


def plan(questions: Sequence[Asked], rounds: int, warm: int, seed: int) -> list[Step]:
    """Every question in every round, `warm` more before each block of another tier."""
    rng = Random(seed)
    steps: list[Step] = []
    last = ""
    for number in range(rounds):
        for block in _blocks(questions, last, rng):
            tier = questions[block[0]].tier
            if tier != last:
                steps += [Step(at, number, _lot(rng), warm=True) for at in rng.choices(block, k=warm)]
            steps += [Step(at, number, _lot(rng)) for at in block]
            last = tier
    return steps


def _blocks(questions: Sequence[Asked], last: str, rng: Random) -> list[list[int]]:
    """Each question once, in blocks of a tier; one tier follows itself only where it cannot be helped."""
    blocks: dict[str, list[list[int]]] = {}
    for tier in sorted({question.tier for question in questions}):
        at = [at for at, question in enumerate(questions) if question.tier == tier]
        rng.shuffle(at)
        blocks[tier] = [at[begin : begin + BLOCK] for begin in range(0, len(at), BLOCK)]
    order: list[list[int]] = []
    while blocks:
        most = max(map(len, blocks.values()))
        # The tier with most blocks left goes first, or it would have to follow itself in the end.
        likely = [tier for tier in blocks if tier != last and len(blocks[tier]) == most]
        others = [tier for tier in blocks if tier != last]
        last = rng.choice(likely or others or list(blocks))
        order.append(blocks[last].pop())
        if not blocks[last]:
            del blocks[last]
    return order


def chosen(questions: Sequence[Asked], most: int, seed: int) -> list[Asked]:
    """At most `most` of them, tiers evenly as far as they go, the rest by lot."""
    rng = Random(seed)
    blocks: dict[str, list[Asked]] = {}
    for question in rng.sample(list(questions), len(questions)):
        blocks.setdefault(question.tier, []).append(question)
    kept: set[str] = set()
    while len(kept) < most and any(blocks.values()):
        for block in blocks.values():
            if block and len(kept) < most:
                kept.add(block.pop().text)
    return [question for question in questions if question.text in kept]


def _lot(rng: Random) -> Side:
    return rng.choice((Side.BASELINE, Side.CANDIDATE))
