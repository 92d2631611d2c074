"""The use case: one question from the router to the answer. Read it top to bottom.

    route -> cache -> join or lead the flight -> [ embed, retrieve, prompt, admission, generate | quote, store ]

The bracket is `answering.py`; it runs once for all who ask the same thing at the same time. Every fact is returned,
none is reported from here: wrappers around the ports make spans and metrics of them.
"""

import itertools
from collections.abc import AsyncIterator
from dataclasses import replace

from service.ask.answering import Answering, Worked, hit_facts, known_answer
from service.ask.keys import answer_keys
from service.ask.laps import Laps
from service.ask.parts import Parts
from service.ask.types import (
    Answer,
    AskEvent,
    AskResult,
    CacheFacts,
    Degradation,
    Done,
    Failed,
    Mode,
    Outcome,
    Question,
    Stage,
    Started,
    Token,
)  # fmt: skip
from service.ask.warming import Warmer
from service.cache.port import CacheKey, CacheName, CacheResult
from service.cache.single_flight import SingleFlight
from service.clock import Clock
from service.errors import ErrorKind, Overloaded, ServiceError
from service.generation.port import Completion
from service.routing.port import AUTO, Route, RouteReason


class Pipeline:
    """Implements `Asker` over the ports in `Parts`."""

    def __init__(self, parts: Parts, clock: Clock) -> None:
        self._parts = parts
        self._clock = clock
        self._answering = Answering(parts, clock)
        self._flights: SingleFlight[Token | Worked] = SingleFlight()
        self._warmer = Warmer(parts.directory)
        self._private = itertools.count()

    async def ask(self, question: Question) -> AsyncIterator[AskEvent]:
        """See `Asker.ask`."""
        laps = Laps(self._clock)
        route: Route | None = None
        facts: CacheFacts | None = None
        try:
            with laps.of(Stage.ROUTE):
                route = await self._parts.router.route(question.text, question.model)
            yield Started(route, question.trace.trace_id)

            with laps.of(Stage.CACHE_LOOKUP):
                keys = answer_keys(question, route, self._parts)
                found = await self._parts.answers.lookup(keys, question.cache)
                known = known_answer(found)
            if known is not None and found.entry is not None:
                facts = hit_facts(CacheName.ANSWER, found.entry, found.age_s, degraded=found.degraded)
                yield Done(_result(question, route, known, facts, laps))
                return
            # An entry that is there and cannot be read is no hit.
            facts = CacheFacts(CacheResult.MISS if found.entry else found.result, degraded=found.degraded)

            if route.warm is not None:
                self._warmer.warm(route.warm)
            worked: Worked | None = None
            work_laps = Laps(self._clock)
            joined = self._clock.monotonic()
            key = self._flight_key(question, keys)
            async with self._flights.join(key, lambda: self._answering.work(question, route, work_laps)) as flight:
                try:
                    async for event in flight.events():
                        if isinstance(event, Worked):
                            worked = event
                        else:
                            yield event
                finally:
                    if flight.leader:
                        laps.merge(work_laps.stages)
                        laps.current = work_laps.current
                    else:
                        laps.add(Stage.COALESCE, self._clock.monotonic() - joined)
                        facts = CacheFacts(CacheResult.COALESCED, degraded=found.degraded)
            yield Done(_worked_result(question, route, worked, facts, laps))
        except ServiceError as error:
            outcome = Outcome.REJECTED if isinstance(error, Overloaded) else Outcome.ERROR
            yield Failed(error, outcome, laps.timings(), route, facts)

    def _flight_key(self, question: Question, keys: tuple[CacheKey, ...]) -> str:
        """The wanted model's flight if there is one, else the chosen one's. Declining the cache means flying alone."""
        if question.cache.no_cache or question.cache.no_store:
            return f"{keys[-1].digest} {next(self._private)}"
        return next((key.digest for key in keys if self._flights.running(key.digest)), keys[-1].digest)

    async def close(self) -> None:
        """Stop running work and preloads; those who wait for an answer hear that the service is stopping."""
        await self._flights.close()
        await self._warmer.close()


def _worked_result(
    question: Question, route: Route, worked: Worked | None, facts: CacheFacts | None, laps: Laps
) -> AskResult:
    if worked is None:
        raise ServiceError(ErrorKind.SERVER_ERROR, "the answer's work ended without a result; ask again")
    facts, cold = facts or CacheFacts(CacheResult.MISS), worked.completion is not None and worked.completion.cold
    if facts.result is CacheResult.COALESCED:
        facts = replace(facts, origin_trace_id=worked.trace.trace_id, origin_span_id=worked.trace.span_id)
        return _result(question, route, worked.answer, facts, laps, cold=cold)
    return _result(question, route, worked.answer, worked.cache or facts, laps, worked.completion, cold=cold)


def _result(
    question: Question,
    route: Route,
    answer: Answer,
    facts: CacheFacts,
    laps: Laps,
    completion: Completion | None = None,
    *,
    cold: bool = False,
) -> AskResult:
    route = _answered_by(route, answer)
    answer = _told(answer, route, facts)
    if answer.mode is Mode.NO_CONTEXT:
        outcome = Outcome.NO_CONTEXT
    else:
        outcome = Outcome.DEGRADED if answer.degraded else Outcome.OK
    trace_id = question.trace.trace_id
    return AskResult(answer, route.tier, route, facts, laps.timings(), outcome, trace_id, completion, cold)


def _answered_by(route: Route, answer: Answer) -> Route:
    """The decision as it came out: a model that failed before its first token is not the one that was chosen."""
    if answer.mode is Mode.NO_CONTEXT or answer.model == route.model:
        return route
    if answer.model is None:
        told = f"{route.model} did not answer, and no other model did: answering by quotation"
        return replace(route, model=None, reason=RouteReason.UNAVAILABLE, explanation=(*route.explanation, told))
    if answer.model == route.wanted:
        told = f"{answer.model} had answered this before: kept answer"
        reason = RouteReason.POLICY if route.requested == AUTO else RouteReason.REQUESTED
        return replace(route, model=answer.model, reason=reason, explanation=(*route.explanation, told))
    told = f"{route.model} did not answer: took {answer.model}"
    return replace(route, model=answer.model, reason=RouteReason.STEPPED_DOWN, explanation=(*route.explanation, told))


def _told(answer: Answer, route: Route, facts: CacheFacts) -> Answer:
    """Another model than the wanted one, or a cache that is away, is a fact of this request, not of the kept answer."""
    degraded = list(answer.degraded)
    if answer.model not in {None, route.wanted} and route.reason is not RouteReason.STEPPED_UP:
        degraded.append(Degradation.STEPPED_DOWN)
    if facts.degraded:
        degraded.append(Degradation.CACHE_UNAVAILABLE)
    return replace(answer, degraded=tuple(degraded)) if len(degraded) > len(answer.degraded) else answer
