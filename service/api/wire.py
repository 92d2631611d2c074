"""From results to what goes over the wire. Pure; plain dictionaries, written as JSON once.

The shapes are documented by the models in `answers.py`, and a test holds both together.
"""

from collections.abc import Mapping
from typing import Any

from fastapi import Response

from service.api.json_text import to_json
from service.ask.types import Answer, AskResult, CacheFacts, Timings
from service.cache.port import CacheResult
from service.routing.port import Features, Route

JSON = "application/json"
_MICROSECONDS = 1_000_000


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`value` as JSON, once, without a model in between."""
    return Response(to_json(value), status, headers, JSON)


def answer_object(result: AskResult) -> dict[str, Any]:
    """The whole answer of `POST /ask`."""
    answer = result.answer
    return {
        "answer": answer.text,
        "citations": citations_list(answer),
        "model": answer.model,
        "tier": result.tier,
        "mode": answer.mode,
        "cache": cache_object(result.cache),
        "routing": routing_object(result.route),
        "timings": timings_object(result.timings),
        "degraded": answer.degraded,
        "notice": answer.notice,
        "trace_id": result.trace_id,
        "usage": {"input_tokens": answer.input_tokens, "output_tokens": answer.output_tokens},
    }


def answer_headers(result: AskResult) -> dict[str, str]:
    """The same in short, for those who do not read bodies."""
    return {
        "x-trace-id": result.trace_id,
        "x-rag-cache": result.cache.result,
        "x-rag-model": header_text(result.answer.model or result.answer.mode),
    }


def header_text(text: str) -> str:
    """Only what is safe in a header."""
    return text if text.isascii() and text.isprintable() else text.encode("ascii", "replace").decode()


def citations_list(answer: Answer) -> list[dict[str, Any]]:
    return [
        {
            "text": cited.text,
            "source": cited.source,
            "document_id": cited.document_id,
            "chunk_id": cited.chunk_id,
            "start": cited.start,
            "end": cited.end,
        }
        for cited in answer.citations
    ]


def cache_object(facts: CacheFacts) -> dict[str, Any]:
    """`age_s` belongs to hits, `origin_trace_id` to every answer that another request made."""
    hit = facts.result is CacheResult.HIT
    return {
        "result": facts.result,
        "age_s": round(facts.age_s, 3) if hit else None,
        "origin_trace_id": facts.origin_trace_id or None,
    }


def routing_object(route: Route) -> dict[str, Any]:
    return {
        "requested": route.requested,
        "chosen": route.model,
        "tier": route.tier,
        "reason": route.reason,
        "explanation": route.explanation,
        "features": features_object(route.features),
    }


def features_object(features: Features) -> dict[str, Any]:
    return {
        "words": features.words,
        "chars": features.chars,
        "question_marks": features.question_marks,
        "complex_indicators": features.complex_indicators,
        "research_indicators": features.research_indicators,
        "technical_terms": features.technical_terms,
        "code": features.code,
    }


def timings_object(timings: Timings) -> dict[str, float]:
    """Seconds with six decimals, which sum to the total exactly: the rest is taken after rounding.

    Where stages were measured to more than the total (another request's work, joined late), the longest gives way.
    """
    total = _whole(timings.total_s)
    stages = {f"{stage}_s": _whole(seconds) for stage, seconds in timings.stages.items()}
    excess = sum(stages.values()) - total
    while excess > 0:
        longest = max(stages, key=stages.__getitem__)
        cut = min(excess, stages[longest])
        stages[longest] -= cut
        excess -= cut
    parts = {"total_s": total, **stages, "unaccounted_s": -excess}
    return {name: microseconds / _MICROSECONDS for name, microseconds in parts.items()}


def _whole(seconds: float) -> int:
    """Microseconds."""
    return round(max(0.0, seconds) * _MICROSECONDS)
