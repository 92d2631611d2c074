"""Every request is remembered, however it ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import pytest

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
    Timings,
    Token,
    TraceRef,
)
from service.cache.port import CacheResult
from service.errors import Dependency, DependencyTimeout, ErrorKind
from service.generation.port import Completion, FinishReason
from service.monitoring.monitored import QUESTION_CHARS, MonitoredAsker
from service.monitoring.port import QueryRecord, QueryType
from service.monitoring.summary import QueryMonitor
from service.routing.port import Features, Route, RouteReason, Tier
from tests.fakes.asker import FakeAsker
from tests.fakes.clock import ManualClock

MODEL = "llama3.2:3b"
ROUTE = Route("auto", Tier.SIMPLE, MODEL, MODEL, RouteReason.POLICY, (), Features(1, 1, 0, 0, 0, 0, code=False))
COMPLETION = Completion(
    MODEL, "sha", FinishReason.STOP, input_tokens=700, output_tokens=80, total_s=2.0, first_chunk_s=1.2,
    first_answer_s=1.2, queue_s=0.1, load_s=1.0, prompt_eval_s=0.2, eval_s=0.6, cold=True,
)  # fmt: skip
TIMINGS = Timings(2.5, {Stage.ROUTE: 0.1, Stage.GENERATE: 2.3}, 0.1)
QUESTION = Question("why?", trace=TraceRef("abc", "def"))


def result(
    mode: Mode = Mode.GENERATED,
    cache: CacheResult = CacheResult.MISS,
    completion: Completion | None = COMPLETION,
    degraded: tuple[Degradation, ...] = (),
) -> AskResult:
    model = MODEL if mode is Mode.GENERATED else None
    outcome = Outcome.DEGRADED if degraded else Outcome.OK
    answer = Answer("because", mode, model, degraded=degraded)
    return AskResult(
        answer, Tier.SIMPLE, ROUTE, CacheFacts(cache), TIMINGS, outcome, "abc", completion, cold=completion is not None
    )


class Watched:
    """A monitored asker over a script, and what it remembered."""

    def __init__(self, *script: AskEvent | BaseException, capture: bool = False) -> None:
        self.clock = ManualClock()
        self.asker = FakeAsker(script)
        self.monitor = QueryMonitor(self.clock)
        self.monitored = MonitoredAsker(self.asker, self.monitor, self.clock, capture=capture)

    async def run(self) -> list[AskEvent]:
        return [event async for event in self.monitored.ask(QUESTION)]

    @property
    def record(self) -> QueryRecord:
        (query,) = self.monitor.recent(10)
        return query.record


async def test_an_answer_is_recorded_with_every_fact() -> None:
    script = [Started(ROUTE), Token("be"), Token("cause"), Done(result(degraded=(Degradation.NO_EMBEDDER,)))]
    watched = Watched(*script)
    assert await watched.run() == script
    assert watched.record == QueryRecord(
        at=watched.clock.time(),
        duration_s=2.5,
        outcome=Outcome.DEGRADED,
        type=QueryType.NORMAL,
        tier=Tier.SIMPLE,
        model=MODEL,
        mode=Mode.GENERATED,
        reason=RouteReason.POLICY,
        cache=CacheResult.MISS,
        cold=True,
        stages=TIMINGS.stages,
        unaccounted_s=0.1,
        phases={"queue": 0.1, "load": 1.0, "prompt_eval": 0.2, "eval": 0.6},
        input_tokens=700,
        output_tokens=80,
        degraded=("no_embedder",),
        trace_id="abc",
    )
    assert watched.asker.closed == 1
    assert watched.asker.questions == [QUESTION]


@pytest.mark.parametrize(
    ("mode", "cache", "expected"),
    [
        (Mode.GENERATED, CacheResult.MISS, QueryType.NORMAL),
        (Mode.GENERATED, CacheResult.COALESCED, QueryType.NORMAL),
        (Mode.GENERATED, CacheResult.HIT, QueryType.CACHED),
        (Mode.EXTRACTIVE, CacheResult.HIT, QueryType.CACHED),
        (Mode.EXTRACTIVE, CacheResult.MISS, QueryType.EXTRACTIVE),
        (Mode.NO_CONTEXT, CacheResult.MISS, QueryType.NO_CONTEXT),
    ],
)
async def test_the_type_says_how_it_was_served(mode: Mode, cache: CacheResult, expected: QueryType) -> None:
    watched = Watched(Started(ROUTE), Done(result(mode, cache, completion=None)))
    await watched.run()
    assert watched.record.type is expected
    assert (watched.record.cold, watched.record.phases, watched.record.output_tokens) == (False, {}, 0)


async def test_the_record_is_there_before_the_answer_is_read() -> None:
    watched = Watched(Started(ROUTE), Done(result()))
    async with aclosing(watched.monitored.ask(QUESTION)) as events:
        async for event in events:
            assert len(watched.monitor.recent(1)) == isinstance(event, Done)
            if isinstance(event, Done):
                break
    assert watched.record.outcome is Outcome.OK
    assert watched.asker.closed == 1


async def test_a_failure_keeps_what_was_known_by_then() -> None:
    error = DependencyTimeout(Dependency.OLLAMA, "too slow")
    watched = Watched(Started(ROUTE), Failed(error, Outcome.ERROR, TIMINGS, ROUTE, CacheFacts(CacheResult.MISS)))
    await watched.run()
    record = watched.record
    assert (record.outcome, record.error, record.type) == (Outcome.ERROR, ErrorKind.TIMEOUT, QueryType.ERROR)
    assert (record.duration_s, record.stages, record.unaccounted_s) == (2.5, TIMINGS.stages, 0.1)
    assert (record.model, record.tier, record.cache, record.trace_id) == (MODEL, Tier.SIMPLE, CacheResult.MISS, "abc")


async def test_a_failure_before_any_decision_is_recorded() -> None:
    watched = Watched(Failed(DependencyTimeout(Dependency.SQLITE, "x"), Outcome.ERROR, Timings(0.1)))
    await watched.run()
    assert (watched.record.model, watched.record.tier, watched.record.cache) == (None, None, None)


async def test_a_reader_who_leaves_is_recorded_as_cancelled_and_the_work_is_closed() -> None:
    watched = Watched(Started(ROUTE), Token("be"), Done(result()))
    events = watched.monitored.ask(QUESTION)
    await anext(events)
    await anext(events)
    watched.clock.advance(1.5)
    await events.aclose()
    record = watched.record
    assert (record.outcome, record.error, record.type) == (Outcome.CANCELLED, ErrorKind.CANCELLED, QueryType.ERROR)
    assert (record.duration_s, record.unaccounted_s, record.model) == (1.5, 1.5, MODEL)
    assert watched.asker.closed == 1


async def test_a_cancelled_task_is_recorded_as_cancelled() -> None:
    watched = Watched(Started(ROUTE), Token("be"))
    watched.asker.hang_at_end = True
    task = asyncio.create_task(watched.run())
    await asyncio.wait_for(watched.asker.hanging.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert watched.record.outcome is Outcome.CANCELLED
    assert watched.asker.closed == 1


async def test_a_fault_of_ours_is_an_error_and_is_raised_on() -> None:
    watched = Watched(Started(ROUTE), RuntimeError("a fault"))
    with pytest.raises(RuntimeError, match="a fault"):
        await watched.run()
    assert (watched.record.outcome, watched.record.error) == (Outcome.ERROR, ErrorKind.OTHER)


async def test_a_question_is_recorded_only_where_content_is_captured() -> None:
    watched = Watched(Started(ROUTE), Done(result()))
    await watched.run()
    assert watched.record.question == ""
    captured = Watched(Started(ROUTE), Done(result()), capture=True)
    long = replace(QUESTION, text="why? " * 1000)
    async for _ in captured.monitored.ask(long):
        pass
    assert captured.record.question == long.text[:QUESTION_CHARS]


async def test_an_iterator_that_cannot_be_closed_is_fine() -> None:
    class Plain:
        def __init__(self) -> None:
            self.events: list[AskEvent] = [Started(ROUTE), Done(result())]

        def __aiter__(self) -> AsyncIterator[AskEvent]:
            return self

        async def __anext__(self) -> AskEvent:
            if not self.events:
                raise StopAsyncIteration
            return self.events.pop(0)

    class PlainAsker:
        def ask(self, question: Question) -> AsyncIterator[AskEvent]:
            return Plain()

    clock = ManualClock()
    monitor = QueryMonitor(clock)
    assert len([event async for event in MonitoredAsker(PlainAsker(), monitor, clock).ask(QUESTION)]) == 2
    assert len(monitor.recent(9)) == 1
