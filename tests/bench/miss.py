"""What the service itself takes of an answer that is made, what it adds to a stream, and what telemetry costs."""

import json
import statistics
from collections.abc import Iterator
from itertools import permutations, product
from typing import Any

from tests.bench.figures import Row, at_most, quantile
from tests.bench.plan import Plan
from tests.bench.processes import EXPORTED_S, cpu_s, run_alone, settle
from tests.bench.stand import Stand, stand

GROUP = "An answer that is made"
METHOD = (
    "Different questions, one after the other, at a model server that answers at once. The service's own time is "
    "`timings.total_s` of each answer without the embedding, the search (Chroma and SQLite), the wait for a place and "
    "the model call; unaccounted time counts as its own. Streaming: the model server puts the moment of sending into "
    "every token, and the client takes it off the moment of arrival; four streams at a time, 2 ms between tokens. "
    "Telemetry: CPU of the whole process per answer, beside the same service with `OTEL_SDK_DISABLED=true` (no spans, "
    "no export; metrics and logs stay), in turns. A comparison with other relays is not part of this run."
)
_NOT_OURS = ("embed_s", "retrieve_s", "admission_s", "generate_s")
_TOPICS = (
    "momentum trading", "slippage", "a stop order", "the RSI", "VWAP", "a drawdown", "a breakout", "volatility", "MACD",
    "a limit order", "Bollinger bands", "position sizing", "backtesting", "expectancy", "mean reversion", "leverage",
    "the moving average", "support and resistance", "the bid-ask spread", "a trend",
)  # fmt: skip
_FORMS = ("What are {} and {}?", "How does {} compare with {}?", "Is {} of use beside {}?", "Explain {}, then {}.")
_STREAMS_AT_ONCE = 4
_TOKEN_S = 0.002


def measure(plan: Plan) -> list[Row]:
    """Rows of this group."""
    with (
        stand(plan.part("miss")) as full,
        stand(plan.part("miss-without-spans"), OTEL_SDK_DISABLED="true") as silent,
    ):
        asked = questions()
        for standing in (full, silent):
            _answers(standing, asked, plan.of(50, 20))
        plan.say("answers one after the other")
        own = [_own_ms(answer) for answer in _answers(full, asked, plan.of(400, 60))]
        costs: dict[str, list[float]] = {"full": [], "silent": []}
        for turn in range(plan.of(5, 2)):
            plan.say(f"telemetry, round {turn + 1}")
            for name, standing in (("full", full), ("silent", silent)):
                costs[name].append(_cpu_ms(standing, asked, plan.of(80, 20)))
        plan.say("streams")
        relayed = _relayed(full, asked, plan.of(100, 20))
    added = [one - other for one, other in zip(costs["full"], costs["silent"], strict=True)]
    whole = statistics.median(costs["full"])
    return [
        Row(GROUP, "own time, p50", quantile(own, 0.5), "ms", at_most(3)),
        Row(GROUP, "own time, p99", quantile(own, 0.99), "ms", at_most(10), f"{len(own)} answers"),
        Row(GROUP, "streaming adds per token, p50", relayed["p50_s"] * 1e3, "ms", at_most(1)),
        Row(GROUP, "streaming adds per token, p99", relayed["p99_s"] * 1e3, "ms"),
        Row(GROUP, "CPU of spans and their export per answer", statistics.median(added), "ms", at_most(1.2)),
        Row(
            GROUP, "CPU of the process per answer, all in all", whole, "ms", note=f"best round {min(costs['full']):.2f}"
        ),
    ]


def questions() -> Iterator[str]:
    """Some 1,500 questions, no two the same, each about something in the sample documents."""
    for form, (one, other) in product(_FORMS, permutations(_TOPICS, 2)):
        yield form.format(one, other)


def _answers(standing: Stand, asked: Iterator[str], count: int) -> list[dict[str, Any]]:
    answers = [standing.service.ask(next(asked)) for _ in range(count)]
    made = [answer for answer in answers if answer["mode"] == "generated" and answer["cache"]["result"] == "miss"]
    assert len(made) > count * 0.9, f"only {len(made)} of {count} questions were answered by the model"
    return made


def _own_ms(answer: dict[str, Any]) -> float:
    timings = answer["timings"]
    return 1e3 * (timings["total_s"] - sum(timings.get(name, 0.0) for name in _NOT_OURS))


def _cpu_ms(standing: Stand, asked: Iterator[str], count: int) -> float:
    before = cpu_s(standing.service.pid)
    _answers(standing, asked, count)
    settle(EXPORTED_S)
    return 1e3 * (cpu_s(standing.service.pid) - before) / count


def _relayed(standing: Stand, asked: Iterator[str], count: int) -> dict[str, Any]:
    standing.ollama.control("/bench/set", {"stamped": True, "token_s": _TOKEN_S})
    bodies = [json.dumps({"query": next(asked), "stream": True}) for _ in range(count)]
    report = run_alone(
        "load",
        mode="streams",
        port=standing.service.port,
        path="/ask",
        bodies=bodies,
        connections=_STREAMS_AT_ONCE,
        requests=count,
    )
    assert report["statuses"] == {"200": count}, report["statuses"]
    return report
