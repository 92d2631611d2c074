"""Remembering every request: a wrapper around the use case that records how each one ended.

Events pass through untouched and undelayed. The record is made just before the last event is handed on, so whoever
has read an answer finds it in the monitor. A request that is left early counts as cancelled. Questions are recorded
only where content is captured.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace

from service.ask.types import Asker, AskEvent, AskResult, Done, Failed, Mode, Outcome, Question, Started
from service.cache.port import CacheResult
from service.clock import Clock
from service.errors import ErrorKind
from service.generation.port import Completion
from service.monitoring.port import Monitor, QueryRecord, QueryType
from service.routing.port import Route

QUESTION_CHARS = 2000


class MonitoredAsker:
    """Implements `Asker`. With `capture` the records hold their questions, cut to `QUESTION_CHARS`."""

    def __init__(self, asker: Asker, monitor: Monitor, clock: Clock, *, capture: bool = False) -> None:
        self._asker = asker
        self._monitor = monitor
        self._clock = clock
        self._capture = capture

    async def ask(self, question: Question) -> AsyncGenerator[AskEvent, None]:
        """See `Asker.ask`. Closing it closes the asker within."""
        begun = self._clock.monotonic()
        route: Route | None = None
        recorded = False
        error = ErrorKind.CANCELLED
        events = self._asker.ask(question)
        try:
            async for event in events:
                if isinstance(event, Started):
                    route = event.route
                elif isinstance(event, Done):
                    self._record(answered(event.result, question, self._clock.time()), question)
                    recorded = True
                elif isinstance(event, Failed):
                    self._record(failed(event, question, self._clock.time()), question)
                    recorded = True
                yield event
        except Exception:
            error = ErrorKind.OTHER
            raise
        finally:
            if not recorded:
                took_s = self._clock.monotonic() - begun
                self._record(left(route, question, self._clock.time(), took_s, error), question)
            close = getattr(events, "aclose", None)
            if close is not None:
                await close()

    def _record(self, record: QueryRecord, question: Question) -> None:
        if self._capture:
            record = replace(record, question=question.text[:QUESTION_CHARS])
        self._monitor.record(record)


def answered(result: AskResult, question: Question, at: float) -> QueryRecord:
    """The record of an answer."""
    completion = result.completion
    return QueryRecord(
        at=at,
        duration_s=result.timings.total_s,
        outcome=result.outcome,
        type=_type(result),
        tier=result.tier,
        model=result.answer.model,
        mode=result.answer.mode,
        reason=result.route.reason,
        cache=result.cache.result,
        cold=result.cold,
        stages=result.timings.stages,
        unaccounted_s=result.timings.unaccounted_s,
        phases=_phases(completion),
        input_tokens=completion.input_tokens if completion is not None else 0,
        output_tokens=completion.output_tokens if completion is not None else 0,
        degraded=tuple(one.value for one in result.answer.degraded),
        trace_id=result.trace_id or question.trace.trace_id,
    )


def failed(event: Failed, question: Question, at: float) -> QueryRecord:
    """The record of a failure: its times are those spent until then, its model the one that was chosen."""
    return QueryRecord(
        at=at,
        duration_s=event.timings.total_s,
        outcome=event.outcome,
        type=QueryType.ERROR,
        tier=event.route.tier if event.route else None,
        model=event.route.model if event.route else None,
        reason=event.route.reason if event.route else None,
        cache=event.cache.result if event.cache else None,
        error=event.error.kind,
        stages=event.timings.stages,
        unaccounted_s=event.timings.unaccounted_s,
        trace_id=question.trace.trace_id,
    )


def left(route: Route | None, question: Question, at: float, took_s: float, error: ErrorKind) -> QueryRecord:
    """The record of a request that ended without a last event: left by its reader, or broken by a fault of ours."""
    return QueryRecord(
        at=at,
        duration_s=took_s,
        outcome=Outcome.CANCELLED if error is ErrorKind.CANCELLED else Outcome.ERROR,
        type=QueryType.ERROR,
        tier=route.tier if route else None,
        model=route.model if route else None,
        reason=route.reason if route else None,
        error=error,
        unaccounted_s=took_s,
        trace_id=question.trace.trace_id,
    )


def _type(result: AskResult) -> QueryType:
    if result.cache.result is CacheResult.HIT:
        return QueryType.CACHED
    return {
        Mode.GENERATED: QueryType.NORMAL,
        Mode.EXTRACTIVE: QueryType.EXTRACTIVE,
        Mode.NO_CONTEXT: QueryType.NO_CONTEXT,
    }[result.answer.mode]


def _phases(completion: Completion | None) -> Mapping[str, float]:
    if completion is None:
        return {}
    return {
        "queue": completion.queue_s,
        "load": completion.load_s,
        "prompt_eval": completion.prompt_eval_s,
        "eval": completion.eval_s,
    }
