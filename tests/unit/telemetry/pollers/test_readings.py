"""Gauges read at scrape time: true now, gone when what they describe is gone, and never in each other's way."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from service.admission.port import Load
from service.ask.types import Degradation, Outcome
from service.cache.port import CacheControl, CacheEntry, CacheKey, CacheName
from service.errors import Dependency
from service.generation.port import BreakerState
from service.monitoring.port import QueryRecord, QueryType
from service.routing.port import ModelSnapshot, ModelState, Tier
from service.services import About
from service.telemetry.catalogue import SNAPSHOT_METRICS
from service.telemetry.meters import SnapshotCollector
from service.telemetry.pollers.readings import Readings, Sources
from service.telemetry.vocabulary import Problem
from tests.fakes.cache import FakeCache
from tests.fakes.clock import ManualClock
from tests.fakes.corpus import FakeCorpus
from tests.fakes.health import FakeHealth
from tests.fakes.model_directory import FakeModelDirectory
from tests.fakes.monitor import FakeMonitor

SMALL, LARGE, EMBEDDER = "small:1b", "large:8b", "embed:1"


class Loads:
    """A limiter that only tells its load."""

    def __init__(self) -> None:
        self.loads: dict[str, Load] = {}

    def admit(self, model: str) -> Any:
        raise NotImplementedError

    def load(self, model: str) -> Load:
        return self.loads.get(model, Load(0, 0, 1, 16, 0.0))


class Shaky(dict[str, BreakerState]):
    """A mapping that changes while it is read, as often as `times`."""

    def __init__(self, times: int) -> None:
        super().__init__({"ollama": BreakerState.OPEN})
        self.times = times

    def items(self) -> Any:
        self.times -= 1
        if self.times >= 0:
            raise RuntimeError("dictionary changed size during iteration")
        return super().items()


class ShakyHealth(FakeHealth):
    """A health whose states are a mapping under change."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.shaky = Shaky(times)

    def states(self) -> dict[str, BreakerState]:
        return self.shaky


class Page:
    """Everything observed, and the page made of it."""

    def __init__(self, **changes: Any) -> None:
        self.clock = ManualClock()
        self.directory = FakeModelDirectory(_snapshot())
        self.health = FakeHealth()
        self.limiter = Loads()
        self.cache = FakeCache(CacheName.ANSWER, self.clock)
        self.corpus = FakeCorpus()
        self.monitor = FakeMonitor()
        self.up: dict[str, bool] = {}
        self.problems: list[tuple[Problem, str]] = []
        sources = Sources(
            about=About("emini-rag", "1.2.3", "abc", "testing"),
            directory=self.directory,
            health=self.health,
            limiter=self.limiter,
            caches={CacheName.ANSWER: self.cache},
            corpus=self.corpus,
            monitor=self.monitor,
            clock=self.clock,
            chat_models=(SMALL, LARGE),
            embedder=EMBEDDER,
            dependencies=lambda: self.up,
            slo_s={Tier.SIMPLE: 5.12},
            slo_target=0.95,
        )
        readings = Readings(
            replace(sources, **changes), lambda problem, where, error: self.problems.append((problem, where))
        )
        self.registry = CollectorRegistry()
        self.registry.register(SnapshotCollector(readings))

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)

    def values(self, name: str, label: str) -> dict[str, float]:
        return {
            sample.labels[label]: sample.value
            for family in self.registry.collect()
            for sample in family.samples
            if sample.name == name
        }

    @property
    def degraded(self) -> set[str]:
        return {feature for feature, value in self.values("rag_degraded", "feature").items() if value}


def _snapshot(**changes: Any) -> ModelSnapshot:
    loaded = ModelState(
        SMALL, True, True, "sha-1", 4_000, 3_000, 1_700_000_900.0, quantization="Q4_K_M", parameter_size="1B"
    )
    models = {SMALL: loaded, LARGE: ModelState(LARGE, True, digest="sha-2"), EMBEDDER: ModelState(EMBEDDER, True)}
    return replace(ModelSnapshot(reachable=True, polled_at=1.0, models=models, swaps=2, poll_errors=3), **changes)


def _record(clock: ManualClock, *degraded: str) -> QueryRecord:
    return QueryRecord(clock.time(), 1.0, Outcome.DEGRADED, QueryType.NORMAL, degraded=degraded)


def test_every_snapshot_metric_is_read(tmp_path: Path) -> None:
    page = Page(data_folder=tmp_path)
    page.up = {Dependency.CHROMA: True}
    seen = {sample.name for family in page.registry.collect() for sample in family.samples}
    assert seen == {metric.name for metric in SNAPSHOT_METRICS}
    assert page.problems == []


def test_models_are_shown_as_last_polled() -> None:
    page = Page()
    label = {"gen_ai_request_model": SMALL}

    assert page.value("rag_ollama_up") == 1
    assert page.value("rag_ollama_model_swaps_total") == 2
    assert page.value("rag_ollama_poll_errors_total") == 3
    assert page.value("rag_ollama_model_size_bytes", **label) == 4_000
    assert page.value("rag_ollama_model_vram_bytes", **label) == 3_000
    assert page.value("rag_ollama_model_expires_timestamp_seconds", **label) == 1_700_000_900.0
    build = {"digest": "sha-1", "quantization": "Q4_K_M", "parameter_size": "1B"}
    assert page.value("rag_ollama_model_info", **label, **build) == 1


def test_nothing_is_left_of_a_model_that_was_unloaded() -> None:
    page = Page()
    assert page.values("rag_ollama_model_vram_bytes", "gen_ai_request_model") == {SMALL: 3_000}
    unloaded = replace(page.directory.current.models[SMALL], resident=False)
    page.directory.current = _snapshot(models={SMALL: unloaded})

    assert page.values("rag_ollama_model_vram_bytes", "gen_ai_request_model") == {}
    assert page.values("rag_ollama_model_expires_timestamp_seconds", "gen_ai_request_model") == {}
    assert page.values("rag_ollama_model_resident", "gen_ai_request_model") == {SMALL: 0}


def test_a_server_that_is_away_holds_no_model() -> None:
    page = Page()
    page.directory.current = _snapshot(reachable=False)

    assert page.value("rag_ollama_up") == 0
    assert page.values("rag_ollama_model_size_bytes", "gen_ai_request_model") == {}
    assert set(page.values("rag_ollama_model_resident", "gen_ai_request_model").values()) == {0}


def test_breakers_admission_corpus_objectives_and_build() -> None:
    page = Page()
    page.health.models = {SMALL: BreakerState.OPEN, LARGE: BreakerState.HALF_OPEN}
    page.limiter.loads = {SMALL: Load(1, 7, 2, 16, 3.0)}

    assert page.values("rag_breaker_state", "dependency") == {
        "ollama": 0,
        f"ollama/{SMALL}": 2,
        f"ollama/{LARGE}": 1,
    }
    label = {"gen_ai_request_model": SMALL}
    assert page.value("rag_admission_in_flight", **label) == 1
    assert page.value("rag_admission_waiting", **label) == 7
    assert page.value("rag_admission_capacity", **label) == 2
    assert page.value("rag_admission_capacity", gen_ai_request_model=LARGE) == 1
    assert page.value("rag_slo_latency_threshold_seconds", tier="simple") == 5.12
    assert page.value("rag_slo_target_ratio", tier="simple") == 0.95
    assert page.values("rag_build_info", "version") == {"1.2.3": 1}


async def test_corpus_and_caches_are_as_large_as_they_are_now() -> None:
    page = Page()
    await page.corpus.add("one.md", b"Momentum is the tendency of what rises to rise further.")
    entry = CacheEntry(b"x" * 100, page.clock.time(), 60.0, cost_s=2.5)
    await page.cache.store(CacheKey("d", "f"), entry, CacheControl())
    await page.cache.lookup((CacheKey("d", "f"),), CacheControl())

    assert page.value("rag_corpus_documents") == 1
    assert page.value("rag_corpus_chunks") == 1
    assert page.value("rag_corpus_version") == 1
    assert page.value("rag_cache_entries", cache="answer") == 1
    assert (page.value("rag_cache_size_bytes", cache="answer") or 0) >= 100
    assert page.value("rag_cache_saved_seconds_total", cache="answer") == 2.5
    await page.cache.clear()
    assert page.value("rag_cache_entries", cache="answer") == 0
    assert page.value("rag_cache_evictions_total", cache="answer", reason="cleared") == 1


def test_dependencies_are_shown_once_they_were_looked_at() -> None:
    page = Page()
    assert page.values("rag_dependency_up", "dependency") == {}
    page.up = {Dependency.CHROMA: False, Dependency.SQLITE: True, "data_folder": True}
    assert page.values("rag_dependency_up", "dependency") == {"chroma": 0, "sqlite": 1}


def test_nothing_is_degraded_when_all_is_there_and_every_feature_has_a_value() -> None:
    page = Page()
    assert page.degraded == set()
    assert set(page.values("rag_degraded", "feature")) == {one.value for one in Degradation}


@pytest.mark.parametrize(
    ("snapshot", "up", "expected"),
    [
        (_snapshot(reachable=False), {}, {"llm_unreachable", "no_embedder"}),
        (_snapshot(models={SMALL: ModelState(SMALL, True)}), {}, {"model_unavailable", "no_embedder"}),
        (_snapshot(), {"chroma": False}, {"chroma_unavailable"}),
        (_snapshot(), {"cache": False, "chroma": True}, {"cache_unavailable"}),
    ],
)
def test_what_is_missing_now_is_degraded(snapshot: ModelSnapshot, up: Mapping[str, bool], expected: set[str]) -> None:
    page = Page()
    page.directory.current, page.up = snapshot, dict(up)
    assert page.degraded == expected


def test_an_open_breaker_makes_a_model_unavailable() -> None:
    page = Page()
    page.health.models = {LARGE: BreakerState.OPEN}
    assert page.degraded == {"model_unavailable"}


def test_without_a_wanted_embedder_none_is_missing() -> None:
    page = Page(embedder="")
    page.directory.current = _snapshot(models={SMALL: ModelState(SMALL, True), LARGE: ModelState(LARGE, True)})
    assert page.degraded == set()


def test_what_answers_of_the_last_minutes_lacked_is_degraded_until_it_is_long_ago() -> None:
    page = Page()
    page.monitor.records = [_record(page.clock, Degradation.STEPPED_DOWN, Degradation.OUTPUT_TRUNCATED)]
    assert page.degraded == {"stepped_down", "output_truncated"}
    page.clock.advance(299.0)
    assert page.degraded == {"stepped_down", "output_truncated"}
    page.clock.advance(2.0)
    assert page.degraded == set()


def test_a_mapping_that_changes_is_read_again() -> None:
    page = Page(health=ShakyHealth(times=1))
    assert page.values("rag_breaker_state", "dependency") == {"ollama": 2}
    assert page.problems == []


def test_a_reader_that_fails_leaves_out_its_own_metrics_only() -> None:
    page = Page(corpus=None, health=ShakyHealth(times=1_000))

    assert page.values("rag_breaker_state", "dependency") == {}
    assert page.value("rag_corpus_documents") is None
    assert page.value("rag_ollama_up") == 1
    assert page.value("rag_build_info", version="1.2.3", revision="abc", environment="testing", python=_python()) == 1
    assert {where for _, where in page.problems} == {"reading breakers", "reading corpus"}
    assert {problem for problem, _ in page.problems} == {Problem.FAILED}


def _python() -> str:
    import platform

    return platform.python_version()


def test_the_disk_under_the_data_folder_is_looked_at_where_there_is_one(tmp_path: Path) -> None:
    free = Page(data_folder=tmp_path).value("rag_data_disk_free_ratio")
    assert free is not None
    assert 0 < free < 1
    assert Page().value("rag_data_disk_free_ratio") is None


def test_a_data_folder_that_is_gone_leaves_out_its_gauge_alone(tmp_path: Path) -> None:
    page = Page(data_folder=tmp_path / "gone")
    assert page.value("rag_data_disk_free_ratio") is None
    assert page.value("rag_ollama_up") == 1
    assert (Problem.FAILED, "reading disk") in page.problems
