"""What the service itself takes of an answer that is made, and what telemetry costs it."""

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations, product
from typing import Any

from tests.bench.figures import Row, at_most, quantile
from tests.bench.plan import Plan
from tests.bench.processes import EXPORTED_S, cpu_s, run_alone, settle
from tests.bench.stand import Stand, stand

GROUP = "An answer that is made"
METHOD = (
    "Different questions, one after the other, at a model server that answers at once (20 words, 2 ms between them). "
    "*Own time* is `timings.total_s` of each answer without its stages embed, retrieve (Chroma and SQLite), admission "
    "(waiting for a place) and generate: so route, cache, prompt and whatever no stage explains. *Everything but* is "
    "stricter, and measured from outside: the time between the client's sending and its having the whole reply, less "
    "what the model server itself spent on the two calls, less Chroma's query by its span; both ways over the wire, "
    "the HTTP clients, SQLite and waiting for the processor are in it. *Telemetry*: CPU of the process, threads and "
    "export included, for the same pipeline and routes with every wrapper and with none, over fakes, in turns, in a "
    "process of its own."
)
WORDS = 20
_WORD_S = 0.002
_NOT_OURS = ("embed_s", "retrieve_s", "admission_s", "generate_s")
_CALLS_PER_ANSWER = 2
_CHROMA_SPAN = "query documents"
_TOPICS = (
    "momentum trading", "slippage", "a stop order", "the RSI", "VWAP", "a drawdown", "a breakout", "volatility", "MACD",
    "a limit order", "Bollinger bands", "position sizing", "backtesting", "expectancy", "mean reversion", "leverage",
    "the moving average", "support and resistance", "the bid-ask spread", "a trend",
)  # fmt: skip
_FORMS = (
    "What are {} and {}?", "How does {} compare with {}?", "Is {} of use beside {}?", "Explain {}, then {}.",
    "Does {} matter for {}?", "When does {} go with {}?", "What has {} to do with {}?", "Which is better, {} or {}?",
    "Give me an example of {} with {}.", "How are {} and {} measured?",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Taken:
    """Milliseconds of one answer."""

    own: float
    everything_but: float


def measure(plan: Plan) -> list[Row]:
    """Rows of this group."""
    with stand(plan.part("miss")) as standing:
        standing.ollama.control("/bench/set", {"tokens": WORDS, "token_s": _WORD_S})
        asked = questions()
        _answers(standing, asked, plan.of(50, 20))
        plan.say("answers one after the other")
        rounds = [_round(standing, asked, plan.of(120, 40)) for _ in range(plan.of(5, 2))]
        settle(EXPORTED_S)
        before, count = cpu_s(standing.service.pid), plan.of(200, 40)
        _answers(standing, asked, count)
        settle(EXPORTED_S)
        whole_ms = 1e3 * (cpu_s(standing.service.pid) - before) / count
        plan.say("telemetry")
        cost = run_alone("telemetry_cost", otlp=standing.sink.url, rounds=plan.of(9, 3), requests=plan.of(200, 60))
    own = [[one.own for one in taken] for taken in rounds]
    strict = [[one.everything_but for one in taken] for taken in rounds]
    return [
        _row("own time, p50", own, 0.5, 3.0),
        _row("own time, p99", own, 0.99, 10.0),
        _row("everything but model server and Chroma, p50", strict, 0.5, 3.0),
        _row("everything but model server and Chroma, p99", strict, 0.99, 10.0),
        *_telemetry(cost["whole_ms"], cost["bare_ms"]),
        Row(GROUP, "CPU of the service's process per answer, all in all", whole_ms, "ms"),
    ]


def _row(what: str, rounds: Sequence[Sequence[float]], share: float, limit: float) -> Row:
    per_round = [quantile(taken, share) for taken in rounds]
    note = f"best of {len(rounds)} rounds {min(per_round):.2f} ms"
    return Row(GROUP, what, statistics.median(per_round), "ms", at_most(limit), note)


def _telemetry(whole_ms: Sequence[float], bare_ms: Sequence[float]) -> list[Row]:
    added = [one - other for one, other in zip(whole_ms, bare_ms, strict=True)]
    note = f"best round {min(added):.2f} ms; the same without it takes {statistics.median(bare_ms):.2f} ms"
    return [Row(GROUP, "CPU of telemetry per answer", statistics.median(added), "ms", at_most(1.2), note)]


def questions() -> Iterator[str]:
    """Nearly 4,000 questions, no two the same, each about something in the sample documents."""
    for form, (one, other) in product(_FORMS, permutations(_TOPICS, 2)):
        yield form.format(one, other)


def _answers(standing: Stand, asked: Iterator[str], count: int) -> list[tuple[float, dict[str, Any]]]:
    """Seconds at the client, and the answer; every one made by the model."""
    found = []
    for _ in range(count):
        question = next(asked)
        began = time.perf_counter()
        answer = standing.service.ask(question)
        found.append((time.perf_counter() - began, answer))
        assert (answer["mode"], answer["cache"]["result"]) == ("generated", "miss"), (question, answer)
    return found


def _round(standing: Stand, asked: Iterator[str], count: int) -> list[_Taken]:
    standing.ollama.control("/bench/served")
    standing.sink.control("/keep")
    found = _answers(standing, asked, count)
    served = [seconds for _, seconds in standing.ollama.control("/bench/served")]
    settle(EXPORTED_S)
    chroma = {trace: seconds for trace, name, seconds in standing.sink.control("/spans") if name == _CHROMA_SPAN}
    assert len(served) == _CALLS_PER_ANSWER * count, "not every answer took one embedding and one chat"
    taken = []
    for place, (seconds, answer) in enumerate(found):
        theirs = sum(served[_CALLS_PER_ANSWER * place : _CALLS_PER_ANSWER * (place + 1)])
        strict = 1e3 * (seconds - theirs - chroma[answer["trace_id"]])
        taken.append(_Taken(_own_ms(answer["timings"]), strict))
    return taken


def _own_ms(timings: dict[str, float]) -> float:
    return 1e3 * (timings["total_s"] - sum(timings.get(name, 0.0) for name in _NOT_OURS))
