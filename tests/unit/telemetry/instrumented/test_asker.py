"""The whole question: leaving, unforeseen errors, and what the metrics make of them."""

import asyncio
from contextlib import aclosing, suppress

import pytest
from opentelemetry.trace import get_current_span

from service.ask.types import (
    AskEvent,
    AskResult,
    CacheFacts,
    Done,
    Failed,
    Outcome,
    Question,
    Stage,
    Started,
    Timings,
    Token,
    TraceRef,
)
from service.cache.port import CacheResult
from service.errors import Dependency, DependencyTimeout
from service.routing.port import Tier
from service.telemetry.instrumented.asker import InstrumentedAsker
from tests.fakes.asker import FakeAsker
from tests.telemetry.recorder import LARGE, SMALL, Recorder
from tests.unit.ask.samples import ANSWER, route

ASKED = Question("What is momentum?", trace=TraceRef("a" * 32, "b" * 16))
TIMINGS = Timings(1.5, {Stage.ROUTE: 0.5, Stage.GENERATE: 0.9}, 0.1)
RESULT = AskResult(ANSWER, Tier.SIMPLE, route(SMALL, SMALL), CacheFacts(CacheResult.MISS), TIMINGS, Outcome.DEGRADED)
SCRIPT: tuple[AskEvent, ...] = (Started(route(SMALL, SMALL)), Token("Momentum"), Done(RESULT))
COUNT = "rag_ask_duration_seconds_count"


def stand(*script: AskEvent | BaseException) -> tuple[Recorder, FakeAsker, InstrumentedAsker]:
    recorder, inner = Recorder(), FakeAsker(script or SCRIPT)
    return recorder, inner, InstrumentedAsker(inner, recorder.stages, recorder.meters)


async def events(asker: InstrumentedAsker, question: Question = ASKED) -> list[AskEvent]:
    async with aclosing(asker.ask(question)) as stream:
        return [event async for event in stream]


async def test_events_and_question_pass_unchanged_and_nothing_leaks_to_the_reader() -> None:
    recorder, inner, asker = stand()
    seen = []
    async for event in asker.ask(ASKED):
        seen.append(event)
        assert not get_current_span().get_span_context().is_valid
    assert tuple(seen) == SCRIPT
    assert inner.questions == [ASKED]
    span = recorder.only()
    assert span.name == "invoke_workflow ask"
    assert span.attributes["rag.degraded"] == ("no_embedder",)
    assert span.attributes["rag.unaccounted_s"] == 0.1


async def test_the_times_are_those_of_the_answer() -> None:
    recorder, _, asker = stand()
    await events(asker)
    labels = {
        "gen_ai_request_model": "other",
        "tier": "simple",
        "cache": "miss",
        "outcome": "degraded",
        "start": "warm",
    }
    assert recorder.sample("rag_ask_duration_seconds_sum", **labels) == 1.5
    assert recorder.sample("rag_stage_duration_seconds_sum", stage="generate", outcome="ok") == 0.9


async def test_a_failure_names_its_stage_on_span_and_metrics() -> None:
    error = DependencyTimeout(Dependency.OLLAMA, "late")
    error.stage = "generate"
    recorder, _, asker = stand(Started(route(SMALL, SMALL)), Failed(error, Outcome.ERROR, TIMINGS, route(SMALL, SMALL)))
    await events(asker)
    attributes = recorder.only().attributes
    assert (attributes["rag.stage"], attributes["error.type"], attributes["rag.outcome"]) == (
        "generate",
        "timeout",
        "error",
    )
    assert recorder.sample("rag_stage_duration_seconds_count", stage="generate", outcome="error") == 1
    assert recorder.sample("rag_stage_duration_seconds_count", stage="route", outcome="ok") == 1
    assert recorder.sample("rag_errors_total", stage="generate", error_type="timeout") == 1


@pytest.mark.parametrize(("read", "stage"), [(0, "route"), (1, "_OTHER"), (2, "generate")])
async def test_who_leaves_is_cancelled_where_the_work_stood(read: int, stage: str) -> None:
    recorder, inner, asker = stand()
    inner.script, inner.hang_at_end = list(SCRIPT[:read]), True
    reading = asyncio.create_task(events(asker))
    await inner.hanging.wait()
    recorder.clock.advance(4.0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert inner.closed == 1
    span = recorder.only()
    assert (span.attributes["error.type"], span.attributes["rag.outcome"]) == ("cancelled", "cancelled")
    assert span.status.is_unset
    known = (
        {"gen_ai_request_model": SMALL, "tier": "simple"} if read else {"gen_ai_request_model": "none", "tier": "none"}
    )
    assert (
        recorder.sample("rag_ask_duration_seconds_sum", **known, cache="miss", outcome="cancelled", start="warm") == 4.0
    )
    assert recorder.sample("rag_errors_total", stage=stage, error_type="cancelled") == 1


async def test_a_reader_that_stops_at_the_end_has_not_left() -> None:
    recorder, _, asker = stand()
    async with aclosing(asker.ask(ASKED)) as stream:
        async for event in stream:
            if isinstance(event, Done):
                break
    assert "error.type" not in recorder.only().attributes


@pytest.mark.parametrize(("script", "name"), [((SCRIPT[0], ValueError("secret")), "_OTHER"), (SCRIPT[:2], "_OTHER")])
async def test_without_a_last_event_it_is_an_error(script: tuple[AskEvent, ...], name: str) -> None:
    recorder, _, asker = stand(*script)
    with suppress(ValueError):
        await events(asker)
    span = recorder.only()
    assert (span.attributes["error.type"], span.attributes["rag.outcome"]) == (name, "error")
    labels = {"gen_ai_request_model": SMALL, "tier": "simple", "cache": "miss", "outcome": "error", "start": "warm"}
    assert recorder.sample(COUNT, **labels) == 1


async def test_a_question_without_trace_gets_one() -> None:
    recorder, inner, asker = stand()
    await events(asker, Question("What?"))
    context = recorder.only().context
    assert inner.questions[0].trace == TraceRef(f"{context.trace_id:032x}", f"{context.span_id:016x}")


def test_the_series_of_the_policy_exist_from_the_start() -> None:
    recorder = Recorder()
    tiers = {Tier.SIMPLE: SMALL, Tier.RESEARCH: LARGE}
    InstrumentedAsker(FakeAsker(), recorder.stages, recorder.meters, tiers=tiers)
    labels = {"gen_ai_request_model": LARGE, "tier": "research", "cache": "hit", "outcome": "ok", "start": "warm"}
    assert recorder.sample(COUNT, **labels) == 0
