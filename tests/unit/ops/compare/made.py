"""Answers, pairs and reports as tests need them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ops.compare.blocks import TierHistory
from ops.compare.measured import Lost, Pair, Side, Taken
from ops.compare.recorded import Totals
from ops.compare.times import Ratio

TEXT = "Momentum trading buys what rises [1]."
ANSWER = Taken(
    seconds=1.0,
    tier="simple",
    model="llama3.2:3b",
    mode="generated",
    cache="bypass",
    stages={"retrieve": 0.1, "generate": 0.8, "unaccounted": 0.1},
    input_tokens=100,
    output_tokens=10,
    answer=TEXT,
    sources=("momentum.md",),
    trace_id="0af7",
)
LOST = Lost("timeout", "no answer in time")


def answer(seconds: float = 1.0, **changes: Any) -> Taken:
    """One answer; its generating takes what other stages leave."""
    stages = {"retrieve": 0.1, "generate": max(0.0, seconds - 0.2), "unaccounted": 0.1}
    return replace(ANSWER, **({"seconds": seconds, "stages": stages} | changes))


def pair(
    baseline: Taken | Lost, candidate: Taken | Lost, *, question: int = 0, number: int = 0, first: Side = Side.BASELINE
) -> Pair:
    return Pair(question, number, first, baseline, candidate)


def pairs(ratio: float, *, questions: int = 8, rounds: int = 4, tier: str = "simple", base: int = 0) -> list[Pair]:
    """As measured of a candidate that takes `ratio` times as long: unlike questions, small differences, either first in
    turn."""
    found: list[Pair] = []
    for number in range(rounds):
        for question in range(questions):
            usual = 1 + question / 4
            wobble = 1 + 0.01 * ((question * 7 + number * 3) % 5 - 2)
            first = Side.CANDIDATE if (question + number) % 2 else Side.BASELINE
            both = answer(usual, tier=tier), answer(usual * ratio * wobble, tier=tier)
            found.append(pair(*both, question=base + question, number=number, first=first))
    return found


def said(texts: Sequence[tuple[str, str]], question: int = 0) -> list[Pair]:
    """One question, asked once for each two answers."""
    return [
        pair(answer(answer=one), answer(answer=other), question=question, number=number)
        for number, (one, other) in enumerate(texts)
    ]


def body(**changes: Any) -> dict[str, Any]:
    """What `POST /ask` answers."""
    told = {
        "answer": TEXT,
        "citations": [{"source": "b.md"}, {"source": "a.md"}, {"source": "b.md"}],
        "model": "llama3.2:3b",
        "tier": "simple",
        "mode": "generated",
        "cache": {"result": "bypass", "age_s": None, "origin_trace_id": None},
        "timings": {"total_s": 1.5, "route_s": 0.1, "generate_s": 1.3, "unaccounted_s": 0.1},
        "degraded": [],
        "trace_id": "0af7",
        "usage": {"input_tokens": 120, "output_tokens": 9},
    }
    return told | changes


def history(tier: str, ratio: float, p: float, blocks: int = 24) -> TierHistory:
    """As Prometheus has it of a candidate that takes `ratio` times as long."""
    one = Ratio(ratio, ratio - 0.1, ratio + 0.1)
    times = (2.0, 2.0 * ratio)
    return TierHistory(tier, (480, 480), (blocks, blocks), times, times, one, one, one, p, 0.5)


def totals(asked: float = 1000, *, failed: float = 0, hits: float = 0) -> Totals:
    """Of one side."""
    return Totals(asked, failed, hits, asked - failed, 0, 300_000, 90_000, {"generate": 1.5})
