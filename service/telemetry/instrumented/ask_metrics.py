"""The metrics of a question: how long, which stages, how it ended, who was to answer and why."""

from collections.abc import Mapping

from opentelemetry.trace import SpanContext

from service.ask.types import AskResult, CacheFacts, Failed, Outcome, Stage, Timings
from service.cache.port import CacheName, CacheResult
from service.routing.port import Route, Tier
from service.telemetry.catalogue import (
    ASK_DURATION,
    CACHE_REQUESTS,
    ERRORS,
    NO_CONTEXT,
    ROUTING_DECISIONS,
    STAGE_DURATION,
)
from service.telemetry.meters import Meters
from service.telemetry.vocabulary import COLLECTION, NO_MODEL, OTHER, AskCache

_CACHES = {CacheResult.HIT: AskCache.HIT, CacheResult.BYPASS: AskCache.BYPASS}


class AskMetrics:
    """Records one question at its end, whatever the end is. `context` is of its span, for the exemplars."""

    def __init__(self, meters: Meters, tiers: Mapping[Tier, str]) -> None:
        self._meters = meters
        for tier, model in tiers.items():
            for cache in (AskCache.HIT, AskCache.MISS):
                meters.prepare(ASK_DURATION, gen_ai_request_model=model, tier=tier, cache=cache, outcome=Outcome.OK)

    def answered(self, result: AskResult, context: SpanContext) -> None:
        self._took(result.answer.model, result.tier, result.cache, result.outcome, result.timings.total_s, context)
        self._stages(result.timings, None, Outcome.OK, context)
        self._decided(result.route)
        coalesced = self._shared(result.cache)
        # Who shared an answer searched nothing: the search without a find is counted once.
        if result.outcome is Outcome.NO_CONTEXT and not coalesced:
            self._meters.add(NO_CONTEXT, collection=COLLECTION)

    def failed(self, event: Failed, stage: str, context: SpanContext) -> None:
        model, tier = _of(event.route)
        self._took(model, tier, event.cache, event.outcome, event.timings.total_s, context)
        self._stages(event.timings, stage, event.outcome, context)
        self._decided(event.route)
        self._shared(event.cache)
        self._meters.add(ERRORS, stage=stage, error_type=event.error.kind)

    def left(
        self, route: Route | None, outcome: Outcome, total_s: float, stage: str, error_type: str, context: SpanContext
    ) -> None:
        """No last event: the reader went, or something unforeseen was raised."""
        model, tier = _of(route)
        self._took(model, tier, None, outcome, total_s, context)
        self._decided(route)
        self._meters.add(ERRORS, stage=stage, error_type=error_type or OTHER)

    def _took(
        self,
        model: str | None,
        tier: str,
        cache: CacheFacts | None,
        outcome: Outcome,
        total_s: float,
        context: SpanContext,
    ) -> None:
        served = _CACHES.get(cache.result, AskCache.MISS) if cache is not None else AskCache.MISS
        self._meters.observe(
            ASK_DURATION,
            total_s,
            context,
            gen_ai_request_model=model or NO_MODEL,
            tier=tier,
            cache=served,
            outcome=outcome,
        )

    def _stages(self, timings: Timings, failed: str | None, outcome: Outcome, context: SpanContext) -> None:
        """The stages before the one that failed went well."""
        for stage, seconds in timings.stages.items():
            ended = outcome if stage == failed else Outcome.OK
            self._meters.observe(STAGE_DURATION, seconds, context, stage=stage, outcome=ended)

    def _decided(self, route: Route | None) -> None:
        if route is not None:
            self._meters.add(
                ROUTING_DECISIONS, tier=route.tier, gen_ai_request_model=route.model or NO_MODEL, reason=route.reason
            )

    def _shared(self, cache: CacheFacts | None) -> bool:
        coalesced = cache is not None and cache.result is CacheResult.COALESCED
        if coalesced:
            self._meters.add(CACHE_REQUESTS, cache=CacheName.ANSWER, result=CacheResult.COALESCED)
        return coalesced


def failed_stage(event: Failed) -> str:
    """Where it failed; without a decision the router did."""
    if event.error.stage is not None:
        return event.error.stage
    return Stage.ROUTE.value if event.route is None else OTHER


def _of(route: Route | None) -> tuple[str | None, str]:
    return (route.model, route.tier.value) if route is not None else (None, NO_MODEL)
