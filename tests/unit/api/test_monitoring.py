"""`/monitoring` in process: the seed's names and what stands beside them."""

from dataclasses import replace

import pytest

from service.api.monitoring_answers import CachesShape, ModelsShape, PerformanceShape, RecentShape, SlowListShape
from service.ask.types import Outcome
from service.cache.port import CacheControl, CacheEntry, CacheKey, CacheName
from service.errors import Dependency, DependencyUnavailable, ErrorKind
from service.generation.port import BreakerState
from service.monitoring.port import Quantiles, QueryType, SlowQuery
from tests.fakes.monitor import NOTHING_YET
from tests.fakes.services import EMBEDDER, LARGE, SMALL, FakeServices
from tests.unit.api.client import client_of
from tests.unit.monitoring.records import hit, warm

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


async def test_recent_requests_newest_last_with_a_link() -> None:
    fakes = FakeServices()
    fakes.about = replace(fakes.about, trace_url="http://localhost:3001/trace/{trace_id}?x=1")
    fakes.monitor.records = [warm(trace_id="a1"), hit(), warm(outcome=Outcome.ERROR, error=ErrorKind.TIMEOUT)]
    async with client_of(fakes) as client:
        told = RecentShape.model_validate_json((await client.get("/monitoring/recent")).content)
        two = (await client.get("/monitoring/recent?count=2")).json()
    assert told.recent_times == [1.0, 0.002, 1.0]
    assert told.recent[0].trace_url == "http://localhost:3001/trace/a1?x=1"
    assert told.recent[1].trace_url is None
    assert (told.recent[1].cache, told.recent[2].error) == ("hit", "timeout")
    assert len(two["recent"]) == len(two["recent_times"]) == 2


@pytest.mark.parametrize(
    ("window", "seconds"), [("1h", 3600), ("90s", 90), ("15m", 900), ("2d", 172800), ("45", 45), ("1.5h", 5400)]
)
async def test_slow_requests_of_a_window(window: str, seconds: float) -> None:
    fakes = FakeServices()
    fakes.monitor.slowest = [SlowQuery(warm(cold=True), "generate.load", 0.8, 0.8, 0.1, None)]
    async with client_of(fakes) as client:
        reply = await client.get("/monitoring/slow", params={"window": window, "count": 5})
    (slow,) = SlowListShape.model_validate_json(reply.content).slow
    assert (slow.stage, slow.share, slow.cold, slow.model, slow.usual_total_s) == (
        "generate.load",
        0.8,
        True,
        SMALL,
        None,
    )
    assert fakes.monitor.asked == [("slow", seconds, 5)]


@pytest.mark.parametrize(
    "path",
    [
        "recent?count=0",
        "recent?count=1001",
        "recent?count=canary",
        "slow?window=canary",
        "slow?window=-1h",
        "slow?count=x",
    ],
)
async def test_wrong_parameters_are_problems_without_an_echo(path: str) -> None:
    async with client_of(FakeServices()) as client:
        reply = await client.get(f"/monitoring/{path}")
    assert (reply.status_code, reply.json()["kind"]) == (422, "invalid_question")
    assert reply.json()["errors"][0]["field"] in ("count", "window")
    assert "canary" not in reply.text


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
