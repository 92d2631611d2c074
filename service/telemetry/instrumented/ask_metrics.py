"""The metrics of a question: how long, which stages, how it ended, who was to answer and why."""

from collections.abc import Mapping

from opentelemetry.trace import SpanContext

from service.ask.types import AskResult, CacheFacts, Failed, Outcome, Stage, Timings
from service.cache.port import CacheName, CacheResult
from service.errors import ErrorKind
from service.routing.port import Route, RouteReason, Tier
from service.telemetry.catalogue import (
    ASK_DURATION,
    CACHE_REQUESTS,
    ERRORS,
    NO_CONTEXT,
    ROUTING_DECISIONS,
    STAGE_DURATION,
)
from service.telemetry.meters import Meters
from service.telemetry.vocabulary import COLLECTION, NO_MODEL, OTHER, AskCache, Start

_CACHES = {CacheResult.HIT: AskCache.HIT, CacheResult.BYPASS: AskCache.BYPASS}
# How questions usually fail, where they do.
_FAILURES: Mapping[str, tuple[ErrorKind, ...]] = {
    Stage.ROUTE: (ErrorKind.MODEL_NOT_FOUND,),
    Stage.RETRIEVE: (ErrorKind.TIMEOUT, ErrorKind.CONNECTION_ERROR, ErrorKind.SERVER_ERROR),
    Stage.ADMISSION: (ErrorKind.OVERLOADED,),
    Stage.GENERATE: (
        ErrorKind.TIMEOUT,
        ErrorKind.CONNECTION_ERROR,
        ErrorKind.BAD_GATEWAY,
        ErrorKind.SERVER_ERROR,
        ErrorKind.STREAM_ERROR,
        ErrorKind.OVERLOADED,
    ),
    OTHER: (ErrorKind.OTHER,),
}
_STAGE_FAILURES = (
    (Stage.RETRIEVE, Outcome.ERROR),
    (Stage.ADMISSION, Outcome.REJECTED),
    (Stage.GENERATE, Outcome.ERROR),
)


class AskMetrics:
    """Records one question at its end, whatever the end is. `context` is of its span, for the exemplars."""

    def __init__(self, meters: Meters, tiers: Mapping[Tier, str]) -> None:
        self._meters = meters
        self._expect_questions(tiers)
        for stage in Stage:
            meters.prepare(STAGE_DURATION, stage=stage, outcome=Outcome.OK)
        for stage, outcome in _STAGE_FAILURES:
            meters.prepare(STAGE_DURATION, stage=stage, outcome=outcome)
        for where, kinds in _FAILURES.items():
            for kind in kinds:
                meters.prepare(ERRORS, stage=where, error_type=kind)

    def _expect_questions(self, tiers: Mapping[Tier, str]) -> None:
        """What alerts watch is there before it happens: a rate does not see the value a label set is born with."""
        for tier, model in tiers.items():
            self._expect(model, tier, Outcome.OK, AskCache.HIT)
            for outcome in (Outcome.OK, Outcome.DEGRADED, Outcome.REJECTED, Outcome.ERROR):
                self._expect(model, tier, outcome)
            # No model answers when nothing is found, and when none can be asked: then the documents are quoted.
            for outcome in (Outcome.NO_CONTEXT, Outcome.DEGRADED):
                self._expect(NO_MODEL, tier, outcome)
            decided = [(model, RouteReason.POLICY), (NO_MODEL, RouteReason.UNAVAILABLE)]
            decided += [(other, RouteReason.STEPPED_DOWN) for other in dict.fromkeys(tiers.values()) if other != model]
            for chosen, reason in decided:
                self._meters.prepare(ROUTING_DECISIONS, tier=tier, gen_ai_request_model=chosen, reason=reason)
        # A model that is not offered is asked for by name: it fails before anything is decided.
        self._expect(NO_MODEL, NO_MODEL, Outcome.ERROR)

    def _expect(self, model: str, tier: str, outcome: Outcome, cache: AskCache = AskCache.MISS) -> None:
        self._meters.prepare(
            ASK_DURATION, gen_ai_request_model=model, tier=tier, cache=cache, outcome=outcome, start=Start.WARM
        )

    def answered(self, result: AskResult, context: SpanContext) -> None:
        # Of a failure it is not known whether its model was loaded first: it counts as warm.
        start, total_s = Start.COLD if result.cold else Start.WARM, result.timings.total_s
        self._took(result.answer.model, result.tier, result.cache, result.outcome, total_s, context, start)
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
        start: Start = Start.WARM,
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
            start=start,
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
