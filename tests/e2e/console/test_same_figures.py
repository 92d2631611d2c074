"""One question's stages, to the millisecond the same in the answer, the lists, the trace, the metrics, the terminal and
the page."""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pytest

from tests.components.installation import SERVICE, Installation
from tests.components.spans import Span
from tests.e2e.console.conftest import Visits

MILLISECOND = 1e-3
# Records are rounded to the microsecond, once or twice.
EXACT_S = 3e-6
# A span lies within its stage; what the machine does between the two is no fault of either, so the closest counts.
TRIES = 5
COMMAND_S = 60
# The spans of each stage, by how their names begin.
SPANS = {
    "route": ("route",),
    "cache_lookup": ("cache lookup",),
    "embed": ("embeddings",),
    "retrieve": ("retrieval",),
    "prompt": ("prompt",),
    "admission": ("admission",),
    "generate": ("chat",),
    "cache_store": ("cache store",),
}
Stages = dict[str, float]

pytestmark = pytest.mark.real


def stages_of(timings: Mapping[str, float]) -> Stages:
    return {name.removesuffix("_s"): seconds for name, seconds in timings.items() if name != "total_s"}


def whole(record: Mapping[str, Any]) -> Stages:
    return {**record["stages"], "unaccounted": record["unaccounted_s"]}


def of_the_command(stack: Installation, trace_id: str) -> dict[str, Any]:
    words = [sys.executable, "-m", "service.cli.main", "trace", trace_id, "--json", "--url", stack.service.url]
    done = subprocess.run(words, capture_output=True, text=True, timeout=COMMAND_S, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def of_the_metrics(stack: Installation) -> Stages:
    """Seconds of each stage, over all questions until now."""
    stack.prometheus.scraped(SERVICE)
    query = f'sum by (stage) (rag_stage_duration_seconds_sum{{job="{SERVICE}"}})'
    return {one.labels["stage"]: one.value for one in stack.prometheus.query(query)}


def of_the_spans(spans: list[Span]) -> Stages:
    """Seconds of each stage, as its spans say."""
    (workflow,) = [span for span in spans if span["name"] == "invoke_workflow ask"]
    found: Stages = defaultdict(float)
    for span in spans:
        if span["parent_id"] == workflow["span_id"]:
            (stage,) = [one for one, names in SPANS.items() if span["name"].startswith(names)]
            found[stage] += (span["end_ns"] - span["start_ns"]) / 1e9
    return found


def furthest(one: Stages, other: Stages) -> float:
    assert one.keys() == other.keys()
    return max(abs(one[stage] - other[stage]) for stage in one)


def test_a_question_takes_the_same_wherever_it_is_looked_at(stack: Installation, visits: Visits) -> None:
    apart = []
    for number in range(TRIES):
        before = of_the_metrics(stack)
        answer = stack.service.ask(f"What is a limit order of the {number}th kind?")
        told, total_s = stages_of(answer["timings"]), answer["timings"]["total_s"]
        named = {stage: seconds for stage, seconds in told.items() if stage != "unaccounted"}

        risen = of_the_metrics(stack)
        assert {stage: risen[stage] - before.get(stage, 0.0) for stage in named} == pytest.approx(named, abs=EXACT_S)

        listed = stack.service.client.get("/monitoring/recent", params={"count": 1}).json()["recent"][-1]
        assert listed["trace_id"] == answer["trace_id"]
        found = of_the_command(stack, answer["trace_id"])
        for record in (listed, found["record"]):
            assert whole(record) == pytest.approx(told, abs=EXACT_S)
            assert record["duration_s"] == pytest.approx(total_s, abs=EXACT_S)
        apart.append(furthest(of_the_spans(stack.traces.trace(answer["trace_id"])), named))

    # The last one, on the page.
    page = visits(stack.service.url).open(f"trace/{answer['trace_id']}")
    bars = page.locator("ol.waterfall").first
    shown = bars.locator("li[data-seconds]:not(.inner)").evaluate_all(
        "all => Object.fromEntries(all.map((one) => [one.dataset.stage, Number(one.dataset.seconds)]))"
    )
    assert shown == pytest.approx(told, abs=EXACT_S)
    assert min(apart) < MILLISECOND
