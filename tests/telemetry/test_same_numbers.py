"""One query, looked at from everywhere: answer, slow list, trace, command line, metrics and spans say the same.

The clock is the test's, so that whatever differs by a millisecond differs because somebody measures something else.
"""

import json
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.app import create_app
from service.ask.types import Stage, TraceRef
from service.generation.port import Completion, FinishReason
from service.monitoring.monitored import MonitoredAsker
from service.monitoring.slow_log import SqliteSlowLog
from service.monitoring.summary import QueryMonitor
from service.telemetry.ring import TraceRing
from service.telemetry.trace_lookup import TraceLookup
from tests.fakes.http_service import listening
from tests.fakes.services import FakeServices
from tests.telemetry.recorder import SMALL
from tests.telemetry.wired import SlowGenerator, Wired
from tests.unit.cli.conftest import Shell

COMPLETION = Completion(
    SMALL, "sha", FinishReason.STOP, input_tokens=700, output_tokens=80, total_s=2.5, first_chunk_s=1.2,
    first_answer_s=1.2, queue_s=0.25, load_s=1.125, prompt_eval_s=0.375, eval_s=0.625, cold=True,
)  # fmt: skip
# Which span shows which stage; those of the model's phases are named by themselves.
_SPANS = {
    "route": Stage.ROUTE, "cache lookup": Stage.CACHE_LOOKUP, "cache store": Stage.CACHE_STORE, "prompt": Stage.PROMPT,
    "admission": Stage.ADMISSION, "embeddings": Stage.EMBED, "retrieval": Stage.RETRIEVE, "chat": Stage.GENERATE,
}  # fmt: skip
_PHASES = {"ollama queue": "queue", "ollama load": "load", "ollama prompt eval": "prompt_eval", "ollama eval": "eval"}
MILLISECOND = 0.001


class Observed:
    """One query was asked over HTTP. Everything that tells of it, as stage -> seconds."""

    def __init__(self, wired: Wired, fakes: FakeServices) -> None:
        self.wired = wired
        self.fakes = fakes
        self.ring = TraceRing()
        self.before = self._metrics()

    async def ask(self) -> dict[str, Any]:
        # Without a server's span the question's own is the root of the trace.
        services = replace(self.fakes.build(), current_trace=TraceRef)
        transport = httpx.ASGITransport(create_app(services))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            answer: dict[str, Any] = (await client.post("/ask", json={"query": "What is momentum?"})).json()
            self.slow = (await client.get("/monitoring/slow")).json()["slow"][0]
            self.recent = (await client.get("/monitoring/recent")).json()["recent"][-1]
            self.trace = (await client.get(f"/monitoring/traces/{self.slow['trace_id']}")).json()
        return answer

    def metrics(self) -> dict[str, float]:
        """How much the sums have grown."""
        after = self._metrics()
        return {name: after[name] - self.before[name] for name in after if after[name] > self.before[name]}

    def _metrics(self) -> defaultdict[str, float]:
        found: defaultdict[str, float] = defaultdict(float)
        for family in self.wired.registry.collect():
            for sample in family.samples:
                if sample.name == "rag_stage_duration_seconds_sum":
                    found[sample.labels["stage"]] += sample.value
                elif sample.name == "rag_llm_phase_duration_seconds_sum":
                    found[f"generate.{sample.labels['phase']}"] += sample.value
                elif sample.name == "rag_ask_duration_seconds_sum":
                    found["total"] += sample.value
        return found


def of_spans(spans: list[Mapping[str, Any]]) -> dict[str, float]:
    """Stages and phases by the lengths of their spans."""
    found: defaultdict[str, float] = defaultdict(float)
    for span in spans:
        name = span["name"]
        if name in _PHASES:
            found[f"generate.{_PHASES[name]}"] += span["duration_s"]
        elif name == "invoke_workflow ask":
            found["total"] += span["duration_s"]
        elif (stage := _SPANS.get(name) or _SPANS.get(name.partition(" ")[0])) is not None:
            found[stage] += span["duration_s"]
    return dict(found)


def of_record(record: Mapping[str, Any]) -> dict[str, float]:
    phases = {f"generate.{phase}": seconds for phase, seconds in record["phases"].items()}
    return record["stages"] | phases | {"total": record["duration_s"]}


def assert_same(found: Mapping[str, float], expected: Mapping[str, float], *, phases: bool = True) -> None:
    """To the millisecond. A stage of no length may be left out."""
    names = {name for name, seconds in {**found, **expected}.items() if seconds > 0}
    names = {name for name in names if phases or not name.startswith("generate.")}
    for name in names:
        assert found.get(name, 0.0) == pytest.approx(expected.get(name, 0.0), abs=MILLISECOND), name


@pytest.fixture
async def observed(tmp_path: Path) -> AsyncIterator[Observed]:
    wired = Wired(generator=SlowGenerator(("Momentum [1].", COMPLETION)))
    fakes = FakeServices()
    log = SqliteSlowLog(tmp_path / "slow.sqlite3", 64 << 20, wired.clock)
    await log.start()
    monitor = QueryMonitor(wired.clock, note=log.note)
    made = Observed(wired, fakes)
    wired.recorder.provider.add_span_processor(made.ring)
    fakes.monitor, fakes.slow_log = monitor, log  # type: ignore[assignment]
    fakes.asker = MonitoredAsker(wired.asker, monitor, wired.clock)  # type: ignore[assignment]
    fakes.traces = TraceLookup(made.ring)  # type: ignore[assignment]
    yield made
    await log.close()


async def test_everybody_tells_the_same(observed: Observed, tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    answer = await observed.ask()
    timings = {name.removesuffix("_s"): seconds for name, seconds in answer["timings"].items()}
    unaccounted = timings.pop("unaccounted")
    assert sum(seconds for name, seconds in timings.items() if name != "total") + unaccounted == pytest.approx(
        timings["total"]
    )
    assert set(timings) == {
        "total", "route", "cache_lookup", "embed", "retrieve", "prompt", "admission", "generate", "cache_store",
    }  # fmt: skip
    expected = timings | {
        "generate.queue": 0.25, "generate.load": 1.125, "generate.prompt_eval": 0.375, "generate.eval": 0.625,
    }  # fmt: skip

    assert_same(of_record(observed.slow), expected)
    assert_same(of_record(observed.recent), expected)
    assert_same(of_record(observed.trace["record"]), expected)
    assert_same(of_spans(observed.trace["spans"]), expected)
    kept = [
        {"name": span.name, "duration_s": ((span.end_time or 0) - (span.start_time or 0)) / 1e9}
        for span in observed.wired.spans()
    ]
    assert_same(of_spans(kept), expected)
    assert_same(observed.metrics(), expected)

    assert answer["trace_id"] == observed.slow["trace_id"] == observed.trace["trace_id"]
    with listening(observed.fakes) as url:
        in_words = shell("slow", "--json", "--url", url)
        whole = shell("trace", observed.slow["trace_id"], "--json", "--url", url)
        drawn = shell("trace", observed.slow["trace_id"], "--url", url)
    assert_same(of_record(json.loads(in_words.stdout)["slow"][0]), expected)
    assert_same(of_spans(json.loads(whole.stdout)["spans"]), expected)
    rows = [line.split("█")[0].split() for line in drawn.stdout.splitlines()]
    for row in (["generate", "2.50", "s", "-"], ["load", "1.12", "s", "-"], ["embed", "20", "ms", "-"]):
        assert row in rows
