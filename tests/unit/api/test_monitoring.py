"""`/monitoring` in process: the seed's names and what stands beside them."""

from dataclasses import replace

from service.api.monitoring_answers import CachesShape, LiveShape, ModelsShape, PerformanceShape, UsualShape
from service.ask.types import Outcome
from service.cache.port import CacheControl, CacheEntry, CacheKey, CacheName
from service.errors import Dependency, DependencyUnavailable
from service.generation.port import BreakerState
from service.monitoring.port import LiveFigures, Normal, Quantiles, QueryType, Usual
from tests.fakes.monitor import NOTHING_YET
from tests.fakes.services import EMBEDDER, LARGE, SMALL, FakeServices
from tests.unit.api.client import client_of

SEED = {"total_queries", "avg_response_time", "min_response_time", "max_response_time"}
SEED |= {"error_rate", "model_usage", "query_types", "uptime_seconds"}


async def test_before_the_first_question_there_are_zeros_and_a_message() -> None:
    async with client_of(FakeServices()) as client:
        body = (await client.get("/api/monitoring/performance")).json()
    assert PerformanceShape.model_validate(body).message == "No data yet"
    assert set(body) >= SEED
    assert (body["total_queries"], body["avg_response_time"], body["error_rate"]) == (0, 0.0, 0.0)


async def test_performance_in_the_seeds_words() -> None:
    fakes = FakeServices()
    fakes.monitor.current = replace(
        NOTHING_YET,
        total=4,
        errors=1,
        mean_s=2.0,
        min_s=0.5,
        max_s=5.0,
        model_usage={SMALL: 3},
        query_types={QueryType.NORMAL: 3, QueryType.ERROR: 1},
        outcomes={Outcome.OK: 3, Outcome.ERROR: 1},
        by_model={SMALL: Quantiles(3, 1.0, 0.9, 1.9, 2.0)},
    )
    async with client_of(fakes) as client:
        body = (await client.get("/monitoring/performance")).json()
    PerformanceShape.model_validate(body)
    assert "message" not in body
    assert (body["total_queries"], body["avg_response_time"], body["error_rate"]) == (4, 2.0, 0.25)
    assert (body["query_types"], body["by_model"][SMALL]["p95_s"]) == ({"normal": 3, "error": 1}, 1.9)


async def test_caches_are_told_and_emptied() -> None:
    fakes = FakeServices()
    cache, key = fakes.caches[CacheName.ANSWER], CacheKey("d", "f")
    now = cache._clock.time()
    await cache.lookup((key,), CacheControl())
    await cache.store(key, CacheEntry(b"{}", now, 60.0, cost_s=2.0), CacheControl())
    await cache.lookup((key,), CacheControl())
    async with client_of(fakes) as client:
        told = CachesShape.model_validate_json((await client.get("/monitoring/cache")).content)
        cleared = await client.delete("/monitoring/cache")
        after = (await client.get("/monitoring/cache")).json()
    assert (told.hits, told.misses, told.hit_rate, told.cache_size, told.max_size) == (1, 1, 0.5, 1, 1000)
    assert told.seconds_saved == 2.0
    assert set(told.caches) == set(CacheName)
    assert cleared.json() == {"cleared": {"answer": 1, "prompt": 0, "embedding": 0}}
    assert (after["cache_size"], after["hits"]) == (0, 1)


async def test_what_is_usual_for_all_models_or_one() -> None:
    fakes = FakeServices()
    fakes.monitor.known = {
        SMALL: Usual(Normal(12, 1.0, 0.1), {"generate": Normal(12, 0.9, 0.1)}),
        LARGE: Usual(Normal(3)),
    }
    async with client_of(fakes) as client:
        everything = UsualShape.model_validate_json((await client.get("/monitoring/usual")).content).models
        one = (await client.get("/monitoring/usual", params={"model": LARGE})).json()
        unknown = (await client.get("/monitoring/usual?model=other")).json()
    assert set(everything) == {SMALL, LARGE}
    assert everything[SMALL].stages["generate"].median == 0.9
    assert one == {"models": {LARGE: {"total_s": {"median": None, "spread": None, "n": 3}, "stages": {}}}}
    assert unknown == {"models": {}}


async def test_live_figures_with_how_busy_each_model_is() -> None:
    fakes = FakeServices()
    fakes.monitor.figures = LiveFigures(15, 30.0, [0, 2], [None, 0.5], {SMALL: [None, 1.5]}, {SMALL: [None, 20.0]})
    async with client_of(fakes) as client:
        told = LiveShape.model_validate_json((await client.get("/monitoring/live")).content)
    assert (told.step_s, told.from_at, told.asked, told.hit_ratio) == (15, 30.0, [0, 2], [None, 0.5])
    assert (told.latency, told.tokens_per_s) == ({SMALL: [None, 1.5]}, {SMALL: [None, 20.0]})
    assert {model: (queue.in_flight, queue.waiting) for model, queue in told.queue.items()} == {
        SMALL: (1, 2), LARGE: (1, 2),
    }  # fmt: skip


async def test_models_with_state_load_breaker_and_words() -> None:
    fakes = FakeServices()
    fakes.health.models[LARGE] = BreakerState.OPEN
    async with client_of(fakes) as client:
        told = ModelsShape.model_validate_json((await client.get("/monitoring/models")).content)
    small, large, embedder = told.models
    assert [small.name, large.name, embedder.name] == [SMALL, LARGE, EMBEDDER]
    assert (small.role, small.tiers, small.resident, small.last_load_s) == ("chat", ["simple"], True, 2.5)
    assert (small.waiting, small.breaker, small.info.name) == (2, "closed", "Llama 3.2 3B")
    assert (large.installed, large.last_load_s, large.breaker, large.info.speed) == (False, None, "open", "Slowest")
    assert (embedder.role, embedder.tiers, embedder.info.speed) == ("embedding", [], "Unknown")


async def test_a_model_is_loaded_by_name() -> None:
    fakes = FakeServices()
    async with client_of(fakes) as client:
        loaded = await client.post(f"/monitoring/models/{LARGE}/preload")
        unknown = await client.post("/monitoring/models/other:1b/preload")
        fakes.directory.preload_errors.append(DependencyUnavailable(Dependency.OLLAMA, "Ollama is away"))
        away = await client.post(f"/monitoring/models/{SMALL}/preload")
    assert loaded.json() == {"model": LARGE, "resident": True}
    assert (unknown.status_code, away.status_code) == (404, 503)
    assert fakes.directory.calls == [f"preload {LARGE}", f"preload {SMALL}"]
