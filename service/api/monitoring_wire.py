"""Monitoring's values as what goes over the wire. Pure. The seed's names stay; more stands beside them."""

from collections.abc import Mapping
from typing import Any

from service.admission.port import Load
from service.cache.port import CacheName, CacheResult, CacheStats
from service.monitoring.port import (
    JudgedQuery,
    Kept,
    LiveFigures,
    Normal,
    Quantiles,
    QueryRecord,
    Summary,
    Trace,
    Usual,
)

_LOOKED_UP_IN_VAIN = (CacheResult.MISS, CacheResult.EXPIRED, CacheResult.INVALIDATED)


def performance_object(summary: Summary) -> dict[str, Any]:
    """Numbers everywhere, so that the seed's client can format them before the first question too."""
    told: dict[str, Any] = {
        "total_queries": summary.total,
        "errors": summary.errors,
        "avg_response_time": summary.mean_s or 0.0,
        "min_response_time": summary.min_s or 0.0,
        "max_response_time": summary.max_s or 0.0,
        "error_rate": summary.errors / max(1, summary.total),
        "model_usage": dict(summary.model_usage),
        "query_types": dict(summary.query_types),
        "outcomes": dict(summary.outcomes),
        "uptime_seconds": summary.uptime_s,
        "response_time": _quantiles(summary.overall),
        "by_model": {model: _quantiles(quantiles) for model, quantiles in summary.by_model.items()},
        "window": {"records": summary.kept, "oldest_at": summary.oldest_at},
    }
    return told if summary.total else told | {"message": "No data yet"}


def caches_object(stats: Mapping[CacheName, CacheStats]) -> dict[str, Any]:
    """The answer cache in the seed's words, and each cache by name."""
    caches = {name: _cache(one) for name, one in stats.items()}
    return caches.get(CacheName.ANSWER, _cache(CacheStats())) | {"caches": caches}


def record_object(record: QueryRecord, trace_url: str) -> dict[str, Any]:
    """One finished request."""
    return {
        "at": record.at,
        "duration_s": record.duration_s,
        "outcome": record.outcome,
        "type": record.type,
        "tier": record.tier,
        "model": record.model,
        "mode": record.mode,
        "reason": record.reason,
        "cache": record.cache,
        "cold": record.cold,
        "error": record.error,
        "stages": dict(record.stages),
        "unaccounted_s": record.unaccounted_s,
        "phases": dict(record.phases),
        "input_tokens": record.input_tokens,
        "output_tokens": record.output_tokens,
        "degraded": record.degraded,
        "trace_id": record.trace_id,
        "trace_url": _trace_url(trace_url, record.trace_id),
        "question": record.question or None,
    }


def query_object(query: JudgedQuery, trace_url: str) -> dict[str, Any]:
    """One finished request and the stage at fault."""
    return record_object(query.record, trace_url) | {
        "stage": query.stage,
        "stage_s": query.stage_s,
        "share": query.share,
        "usual_s": query.usual_s,
        "spread_s": query.spread_s,
        "usual_total_s": query.usual_total_s,
    }


def kept_object(kept: Kept) -> dict[str, Any]:
    """What the slow log holds."""
    told = {"since_at": kept.since_at, "records": kept.records, "bytes": kept.size_bytes}
    return told | {"problem": kept.problem or None}


def trace_object(trace: Trace, query: JudgedQuery | None, trace_url: str) -> dict[str, Any]:
    """One trace, spans by start, with the record of its request if it is known."""
    return {
        "trace_id": trace.trace_id,
        "source": trace.source,
        "duration_s": trace.duration_s,
        "spans": [
            {
                "name": span.name,
                "span_id": span.span_id,
                "parent_id": span.parent_id,
                "start_s": span.start_s,
                "duration_s": span.duration_s,
                "status": span.status,
                "kind": span.kind,
                "attributes": dict(span.attributes),
            }
            for span in trace.spans
        ],
        "dropped": trace.dropped,
        "record": query_object(query, trace_url) if query is not None else None,
        "trace_url": _trace_url(trace_url, trace.trace_id),
    }


def usual_object(usual: Mapping[str, Usual], model: str) -> dict[str, Any]:
    """What is usual by model; for one model alone where it is named."""
    models = {
        name: {
            "total_s": _normal(one.total),
            "stages": {stage: _normal(normal) for stage, normal in one.stages.items()},
        }
        for name, one in usual.items()
        if model in {"", name}
    }
    return {"models": models}


def live_object(figures: LiveFigures, loads: Mapping[str, Load]) -> dict[str, Any]:
    """Series of the same length, oldest first, and how busy each model is now."""
    queue = {
        model: {"in_flight": load.in_flight, "waiting": load.waiting, "capacity": load.slots}
        for model, load in loads.items()
    }
    return {
        "step_s": figures.step_s,
        "from_at": figures.from_at,
        "asked": list(figures.asked),
        "hit_ratio": list(figures.hit_ratio),
        "latency": {model: list(series) for model, series in figures.latency.items()},
        "tokens_per_s": {model: list(series) for model, series in figures.tokens_per_s.items()},
        "queue": queue,
    }


def _normal(normal: Normal) -> dict[str, Any]:
    return {"median": normal.median_s, "spread": normal.spread_s, "n": normal.n}


def _quantiles(quantiles: Quantiles) -> dict[str, Any]:
    return {
        "count": quantiles.count,
        "mean_s": quantiles.mean_s,
        "p50_s": quantiles.p50_s,
        "p95_s": quantiles.p95_s,
        "p99_s": quantiles.p99_s,
    }


def _cache(stats: CacheStats) -> dict[str, Any]:
    hits = stats.results.get(CacheResult.HIT, 0)
    misses = sum(stats.results.get(result, 0) for result in _LOOKED_UP_IN_VAIN)
    return {
        "hits": hits,
        "misses": misses,
        "hit_rate": hits / max(1, hits + misses),
        "cache_size": stats.entries,
        "max_size": stats.max_entries,
        "size_bytes": stats.size_bytes,
        "max_bytes": stats.max_bytes,
        "results": dict(stats.results),
        "evictions": dict(stats.evictions),
        "seconds_saved": stats.saved_s,
    }


def _trace_url(template: str, trace_id: str) -> str | None:
    return template.replace("{trace_id}", trace_id) if template and trace_id else None
