"""The use case: one question from the router to the answer. Read it top to bottom.

    route -> cache -> join or lead the flight -> [ embed, retrieve, prompt, admission, generate | quote, store ]

The bracket is `answering.py`; it runs once for all who ask the same thing at the same time. Every fact is returned,
none is reported from here: wrappers around the ports make spans and metrics of them.
"""

import itertools
from collections.abc import AsyncIterator
from dataclasses import replace

from service.ask.answering import Answering, Worked, hit_facts
from service.ask.codec import decode
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
from service.cache.port import CacheKey, CacheName, CacheResult, Lookup
from service.cache.single_flight import SingleFlight
from service.clock import Clock
from service.errors import ErrorKind, Overloaded, ServiceError
from service.generation.port import Completion
from service.routing.port import Route, RouteReason


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
                known = _known(found)
            facts = CacheFacts(found.result)
            if known is not None and found.entry is not None:
                facts = hit_facts(CacheName.ANSWER, found.entry, found.age_s)
                yield Done(_result(question, route, known, facts, laps))
                return

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
                        facts = CacheFacts(CacheResult.COALESCED)
            yield Done(_worked_result(question, route, worked, facts, laps))
        except ServiceError as error:
            outcome = Outcome.REJECTED if isinstance(error, Overloaded) else Outcome.ERROR
            yield Failed(error, outcome, laps.timings(), route, facts)

    def _flight_key(self, question: Question, keys: tuple[CacheKey, ...]) -> str:
        """The wanted model's flight if it is in the air, else the chosen one's. Declining the cache means flying alone."""
        if question.cache.no_cache or question.cache.no_store:
            return f"{keys[-1].digest} {next(self._private)}"
        return next((key.digest for key in keys if self._flights.running(key.digest)), keys[-1].digest)

    async def close(self) -> None:
        """Stop running work and preloads; those who wait for an answer hear that the service is stopping."""
        await self._flights.close()
        await self._warmer.close()


def _known(found: Lookup) -> Answer | None:
    if found.entry is None:
        return None
    try:
        return decode(found.entry.payload)
    except ValueError:
        return None  # unreadable is as good as absent: the work is done again and written over it


def _worked_result(
    question: Question, route: Route, worked: Worked | None, facts: CacheFacts | None, laps: Laps
) -> AskResult:
    if worked is None:
        raise ServiceError(ErrorKind.SERVER_ERROR, "the answer's work ended without a result; ask again")
    facts = facts or CacheFacts(CacheResult.MISS)
    if facts.result is CacheResult.COALESCED:
        facts = replace(facts, origin_trace_id=worked.trace.trace_id, origin_span_id=worked.trace.span_id)
        return _result(question, route, worked.answer, facts, laps)
    return _result(question, route, worked.answer, worked.cache or facts, laps, worked.completion)


def _result(
    question: Question,
    route: Route,
    answer: Answer,
    facts: CacheFacts,
    laps: Laps,
    completion: Completion | None = None,
) -> AskResult:
    answer = _told(answer, route)
    if answer.mode is Mode.NO_CONTEXT:
        outcome = Outcome.NO_CONTEXT
    else:
        outcome = Outcome.DEGRADED if answer.degraded else Outcome.OK
    return AskResult(answer, route.tier, route, facts, laps.timings(), outcome, question.trace.trace_id, completion)


def _told(answer: Answer, route: Route) -> Answer:
    """Another model than the wanted one is a fact of this request, not of the kept answer."""
    stepped = answer.model not in {None, route.wanted} and route.reason is not RouteReason.STEPPED_UP
    if not stepped:
        return answer
    return replace(answer, degraded=(*answer.degraded, Degradation.STEPPED_DOWN))
