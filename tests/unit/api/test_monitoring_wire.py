"""Monitoring's values on the wire: the seed's names and numbers, and what stands beside them."""

import json

from service.api.monitoring_wire import caches_object, performance_object, query_object, record_object
from service.cache.port import CacheName, CacheResult, CacheStats, EvictionReason
from service.monitoring.port import JudgedQuery
from service.monitoring.summary import QueryMonitor
from tests.fakes.clock import ManualClock
from tests.unit.monitoring.records import warm

TRACES = "http://grafana/trace/{trace_id}"


def test_before_the_first_question_every_number_is_a_number() -> None:
    told = performance_object(QueryMonitor(ManualClock()).summary())
    assert told["message"]
    numbers = ("total_queries", "avg_response_time", "min_response_time", "max_response_time", "error_rate")
    assert all(told[name] == 0 for name in numbers)
    assert (told["model_usage"], told["uptime_seconds"]) == ({}, 0.0)


def test_after_it_the_message_is_gone_and_all_of_it_is_json() -> None:
    monitor = QueryMonitor(ManualClock())
    monitor.record(warm())
    told = json.loads(json.dumps(performance_object(monitor.summary())))
    assert "message" not in told
    assert told["total_queries"] == 1
    assert told["response_time"]["count"] == 1


def test_hits_count_against_every_lookup_in_vain() -> None:
    results = {
        CacheResult.HIT: 3,
        CacheResult.MISS: 1,
        CacheResult.EXPIRED: 1,
        CacheResult.INVALIDATED: 1,
        CacheResult.BYPASS: 9,
        CacheResult.COALESCED: 9,
    }
    stats = CacheStats(results, 5, 10, 100, 1000, {EvictionReason.BYTES: 2}, 7.5)
    told = caches_object({CacheName.ANSWER: stats, CacheName.PROMPT: CacheStats()})
    assert (told["hits"], told["misses"], told["hit_rate"]) == (3, 3, 0.5)
    assert (told["cache_size"], told["max_size"], told["seconds_saved"]) == (5, 10, 7.5)
    assert set(told["caches"]) == {"answer", "prompt"}
    assert told["caches"]["prompt"]["hit_rate"] == 0


def test_a_trace_has_a_link_where_traces_have_a_page() -> None:
    record = warm(trace_id="4bf9")
    assert record_object(record, "")["trace_url"] is None
    assert record_object(warm(), TRACES)["trace_url"] is None
    told = query_object(JudgedQuery(record, "generate", 2.0, 0.5), TRACES)
    assert told["trace_url"] == "http://grafana/trace/4bf9"
    assert (told["stage"], told["usual_s"]) == ("generate", None)
