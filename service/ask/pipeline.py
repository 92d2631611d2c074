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
    Answer, AskEvent, AskResult, CacheFacts, Degradation, Done, Failed, Mode, Outcome, Question, Stage, Started, Token,
)  # fmt: skip
from service.ask.warming import Warmer
from service.cache.port import CacheKey, CacheName, CacheResult, Lookup
from service.cache.single_flight import SingleFlight
from service.clock import Clock
from service.errors import Overloaded, ServiceError
from service.generation.port import Completion
from service.routing.port import Route, RouteReason

_NO_FACTS = CacheFacts(CacheResult.BYPASS)


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
            async with self._flights.join(key, lambda: self._answering.work(question, route, work_laps)) as flight:  # type: ignore[arg-type]
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
