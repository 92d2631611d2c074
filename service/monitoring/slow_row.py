"""A judged query as a row of the slow log, and back. Pure. Seconds are kept to the microsecond, as they are told.

What is filtered and ordered by has a column of its own, the rest is one JSON text. A row that cannot be read (damaged,
or with words that this version does not know) raises `ValueError`.
"""

import json
from typing import Any

from service.ask.types import Mode, Outcome, Stage
from service.cache.port import CacheResult
from service.errors import ErrorKind
from service.monitoring.port import NO_MODEL, JudgedQuery, QueryRecord, QueryType
from service.routing.port import RouteReason, Tier

# In the order of the values: the table is written by it.
COLUMNS = ("duration", "at", "model", "outcome", "stage", "cache", "trace", "rest")


def to_row(query: JudgedQuery) -> tuple[Any, ...]:
    """The values of `COLUMNS`."""
    record = query.record
    rest = {
        "type": record.type,
        "tier": record.tier,
        "model": record.model,
        "mode": record.mode,
        "why": record.reason,
        "cold": record.cold,
        "error": record.error,
        "stages": {stage: _short(seconds) for stage, seconds in record.stages.items()},
        "rest": _short(record.unaccounted_s),
        "phases": {phase: _short(seconds) for phase, seconds in record.phases.items()},
        "in": record.input_tokens,
        "out": record.output_tokens,
        "degraded": record.degraded,
        "question": record.question,
        "stage": _short(query.stage_s),
        "share": round(query.share, 4),
        "usual": [_short(one) for one in (query.usual_s, query.spread_s, query.usual_total_s)],
    }
    return (
        _short(record.duration_s),
        record.at,
        record.model or NO_MODEL,
        record.outcome.value,
        query.stage,
        record.cache.value if record.cache is not None else "",
        record.trace_id,
        json.dumps({name: value for name, value in rest.items() if value}, separators=(",", ":")),
    )


def _short(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)


def from_row(row: tuple[Any, ...]) -> JudgedQuery:
    """The query of a row. Raises `ValueError`."""
    try:
        return _query(row)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError("a row of the slow log cannot be read") from error


def _query(row: tuple[Any, ...]) -> JudgedQuery:
    duration_s, at, _, outcome, stage, cache, trace_id, text = row
    rest = json.loads(text)
    usual_s, spread_s, usual_total_s = rest["usual"]
    record = QueryRecord(
        at=float(at),
        duration_s=float(duration_s),
        outcome=Outcome(outcome),
        type=QueryType(rest["type"]),
        tier=Tier(rest["tier"]) if "tier" in rest else None,
        model=rest.get("model"),
        mode=Mode(rest["mode"]) if "mode" in rest else None,
        reason=RouteReason(rest["why"]) if "why" in rest else None,
        cache=CacheResult(cache) if cache else None,
        cold=bool(rest.get("cold", False)),
        error=ErrorKind(rest["error"]) if "error" in rest else None,
        stages={Stage(name): float(seconds) for name, seconds in rest.get("stages", {}).items()},
        unaccounted_s=float(rest.get("rest", 0.0)),
        phases={str(name): float(seconds) for name, seconds in rest.get("phases", {}).items()},
        input_tokens=int(rest.get("in", 0)),
        output_tokens=int(rest.get("out", 0)),
        degraded=tuple(rest.get("degraded", ())),
        trace_id=str(trace_id),
        question=str(rest.get("question", "")),
    )
    return JudgedQuery(
        record, str(stage), float(rest.get("stage", 0)), float(rest.get("share", 0)), usual_s, spread_s, usual_total_s
    )
