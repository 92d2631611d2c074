"""Calls of a model: tokens, phases, first chunk, failures, leaving."""

import asyncio
from contextlib import aclosing
from dataclasses import replace

import pytest

from service.errors import (
    BadDependencyReply,
    Dependency,
    DependencyTimeout,
    DependencyUnavailable,
    ErrorKind,
    UnknownModel,
)
from service.generation.port import Chunk, Completion, FinishReason, GenerationRequest, Message
from service.routing.port import Tier
from service.telemetry.instrumented.generator import InstrumentedGenerator
from tests.fakes.generator import FakeGenerator, Step, completion_of
from tests.telemetry.recorder import LARGE, SMALL, Recorder
from tests.telemetry.trees import children, named, seconds
from tests.telemetry.wired import OLLAMA, SlowGenerator

REQUEST = GenerationRequest(SMALL, (Message("user", "What?"),), Tier.SIMPLE, 0.1, 100, 60.0)
CALLED = {"gen_ai_operation_name": "chat", "gen_ai_provider_name": "ollama", "gen_ai_request_model": SMALL}
CALLS = "gen_ai_client_operation_duration_seconds_count"
FIRSTS = "gen_ai_client_operation_time_to_first_chunk_seconds_count"


def stand(*script: Step) -> tuple[Recorder, SlowGenerator, InstrumentedGenerator]:
    recorder = Recorder()
    inner = SlowGenerator(script) if script else SlowGenerator()
    inner.clock = recorder.clock
    return recorder, inner, InstrumentedGenerator(inner, recorder.stages, recorder.meters, OLLAMA)


async def items(generator: InstrumentedGenerator) -> list[Chunk | Completion]:
    async with aclosing(generator.generate(REQUEST)) as stream:
        return [item async for item in stream]


async def test_a_call_is_told_in_full() -> None:
    recorder, inner, generator = stand(Chunk("Hm.", thinking=True), "Yes.", completion_of(SMALL, cold=True))
    assert await items(generator) == [
        Chunk("Hm.", thinking=True),
        Chunk("Yes."),
        completion_of(SMALL, cold=True),
    ]
    assert inner.requests == [REQUEST]
    spans = recorder.spans()
    chat = named(spans, f"chat {SMALL}")
    assert {key: chat.attributes[key] for key in ("gen_ai.request.temperature", "gen_ai.request.max_tokens")} == {
        "gen_ai.request.temperature": 0.1,
        "gen_ai.request.max_tokens": 100,
    }
    assert chat.attributes["gen_ai.response.finish_reasons"] == ("stop",)
    assert chat.attributes["gen_ai.response.time_to_first_chunk"] == 1.75
    assert chat.attributes["ollama.model.digest"] == f"sha-{SMALL}"
    assert chat.attributes["ollama.load_duration"] == 1.5
    assert chat.attributes["rag.llm.thinking_chunks"] == 1
    assert chat.attributes["rag.cold"] is True
    assert [(span.name, seconds(span)) for span in children(chat, spans)] == [
        ("ollama queue", 0.1),
        ("ollama load", 1.5),
        ("ollama prompt eval", 0.1),
        ("ollama eval", 0.2),
    ]


@pytest.mark.parametrize("model", [SMALL, LARGE])
def test_calls_of_every_model_are_counted_from_zero_on(model: str) -> None:
    recorder, _, _ = stand()
    assert recorder.sample(CALLS, **(CALLED | {"gen_ai_request_model": model}), error_type="") == 0


async def test_every_number_is_measured() -> None:
    recorder, _, generator = stand("Yes.", completion_of(SMALL, cold=True, finish=FinishReason.LENGTH))
    await items(generator)
    model = {"gen_ai_request_model": SMALL}
    assert recorder.sample("gen_ai_client_operation_duration_seconds_sum", **CALLED, error_type="") == 2.0
    assert recorder.sample(
        "gen_ai_client_operation_time_to_first_chunk_seconds_sum", **CALLED, error_type=""
    ) == pytest.approx(1.75)
    assert recorder.sample("rag_llm_time_to_first_answer_seconds_sum", **model) == 1.75
    assert recorder.sample("rag_llm_phase_duration_seconds_sum", **model, phase="load") == 1.5
    assert recorder.sample("rag_llm_output_tokens_per_second_sum", **model) == 40.0
    assert recorder.sample("rag_llm_finish_total", **model, reason="length") == 1
    assert recorder.sample("rag_llm_model_loads_total", **model) == 1
    assert recorder.sample("gen_ai_client_inference_usage_input_tokens_total", **model) == 40
    assert recorder.sample("gen_ai_client_inference_usage_output_tokens_total", **model) == 8
    assert recorder.problems() == 0


async def test_phases_that_took_no_time_are_no_spans_and_none_outlasts_the_call() -> None:
    longer = replace(completion_of(SMALL), total_s=0.25, load_s=0.0, eval_s=9.0)
    recorder, _, generator = stand(longer)
    await items(generator)
    spans = recorder.spans()
    chat = named(spans, f"chat {SMALL}")
    assert [(span.name, seconds(span)) for span in children(chat, spans)] == [
        ("ollama queue", 0.1),
        ("ollama prompt eval", 0.1),
        ("ollama eval", 0.05),
    ]


async def test_no_time_of_writing_means_no_speed() -> None:
    recorder, _, generator = stand(replace(completion_of(SMALL), eval_s=0.0))
    await items(generator)
    assert recorder.sample("rag_llm_output_tokens_per_second_count", gen_ai_request_model=SMALL) is None


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (DependencyUnavailable(Dependency.OLLAMA, "away"), "connection_error"),
        (DependencyTimeout(Dependency.OLLAMA, "late"), "timeout"),
        (UnknownModel("absent"), "model_not_found"),
        *(
            (BadDependencyReply(kind, Dependency.OLLAMA, "bad"), kind.value)
            for kind in (
                ErrorKind.BAD_REQUEST,
                ErrorKind.OVERLOADED,
                ErrorKind.RATE_LIMITED,
                ErrorKind.BAD_GATEWAY,
                ErrorKind.SERVER_ERROR,
                ErrorKind.STREAM_ERROR,
            )
        ),
    ],
)
async def test_span_and_metric_call_a_failure_the_same(error: Exception, name: str) -> None:
    recorder, _, generator = stand(error)
    with pytest.raises(type(error)):
        await items(generator)
    assert recorder.only().attributes["error.type"] == name
    assert recorder.sample(CALLS, **CALLED, error_type=name) == 1
    assert recorder.sample(FIRSTS, **CALLED, error_type=name) is None


async def test_a_failure_after_the_first_chunk_keeps_its_time() -> None:
    recorder, _, generator = stand("Half", DependencyTimeout(Dependency.OLLAMA, "late"))
    with pytest.raises(DependencyTimeout):
        await items(generator)
    assert "gen_ai.response.time_to_first_chunk" in recorder.only().attributes
    assert recorder.sample(FIRSTS, **CALLED, error_type="timeout") == 1


async def test_a_reader_that_leaves_closes_the_call_and_is_measured() -> None:
    recorder, inner, generator = stand("Half", asyncio.Event())
    async with aclosing(generator.generate(REQUEST)) as stream:
        await anext(stream)
    assert (inner.closed_early, recorder.only().attributes["error.type"]) == (1, "cancelled")
    assert recorder.sample(CALLS, **CALLED, error_type="cancelled") == 1


async def test_a_cancelled_task_closes_the_call_and_is_measured() -> None:
    recorder, inner, generator = stand("Half", asyncio.Event())
    reading = asyncio.create_task(items(generator))
    while inner.running == 0:
        await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert recorder.only().attributes["error.type"] == "cancelled"
    assert recorder.sample(CALLS, **CALLED, error_type="cancelled") == 1


async def test_a_stream_without_its_last_item_is_a_stream_error() -> None:
    recorder, _, generator = stand("Half", FakeGenerator.UNFINISHED)
    await items(generator)
    assert recorder.only().attributes["error.type"] == "stream_error"
    assert recorder.sample(CALLS, **CALLED, error_type="stream_error") == 1


def test_the_load_of_every_model_is_counted_from_zero_on() -> None:
    recorder, _, _ = stand()
    for model in recorder.meters.models:
        name = "rag_llm_phase_duration_seconds_count"
        assert recorder.sample(name, gen_ai_request_model=model, phase="load") == 0
