"""From a question to events: routes, caches, flights, failures, leaving."""

import asyncio
from collections import deque
from contextlib import aclosing

import pytest

from service.ask.codec import encode
from service.ask.types import Degradation, Done, Failed, Mode, Outcome, Question, Stage, Started, Token
from service.cache.port import CacheControl, CacheName, CacheResult
from service.errors import (
    Dependency,
    DependencyTimeout,
    DependencyUnavailable,
    ErrorKind,
    ServiceError,
    UnknownModel,
)
from service.generation.port import Chunk
from service.retrieval.port import Retrieved
from service.routing.port import RouteReason
from tests.fakes.router import FakeRouter
from tests.unit.ask.samples import ANSWER, completion, passage, route
from tests.unit.ask.stand import ANSWERED, ScriptedGenerator, Stand, chosen

AWAY = DependencyUnavailable(Dependency.OLLAMA, "away")


async def test_a_miss_tells_the_decision_then_tokens_then_the_result() -> None:
    stand = Stand()
    started, *tokens, done = await stand.events()
    assert started == Started(route(), "t1")
    assert [token for token in tokens if isinstance(token, Token)] == [Token("Momentum "), Token("persists [1].")]
    assert isinstance(done, Done)
    result = done.result
    assert (result.answer.text, result.answer.mode, result.answer.model) == (
        "Momentum persists [1].",
        Mode.GENERATED,
        "small",
    )
    assert [citation.chunk_id for citation in result.answer.citations] == ["c1"]
    assert (result.outcome, result.cache.result, result.trace_id) == (Outcome.OK, CacheResult.MISS, "t1")
    assert result.completion == completion()
    vector = stand.embedder.vector("What is momentum?")
    assert stand.retriever.calls == [("What is momentum?", vector, 5)]
    assert set(result.timings.stages) == set(Stage) - {Stage.COALESCE, Stage.EXTRACT}


async def test_a_second_identical_question_is_a_hit_that_names_its_origin() -> None:
    stand = Stand()
    await stand.result(trace="first")
    stand.clock.advance(7.0)
    result = await stand.result("  what IS momentum? ", trace="second")
    assert result.cache.result is CacheResult.HIT
    assert (result.cache.name, result.cache.age_s) == (CacheName.ANSWER, 7.0)
    assert (result.cache.origin_trace_id, result.cache.origin_span_id) == ("first", "s-first")
    assert result.completion is None
    assert set(result.timings.stages) == {Stage.ROUTE, Stage.CACHE_LOOKUP}
    assert len(stand.generator.requests) == 1


async def test_a_changed_corpus_asks_again_but_an_unchanged_prompt_generates_nothing() -> None:
    stand = Stand()
    await stand.result(trace="first")
    stand.corpus_version += 1
    result = await stand.result()
    assert len(stand.retriever.calls) == 2
    assert len(stand.generator.requests) == 1
    assert (result.cache.result, result.cache.name) == (CacheResult.HIT, CacheName.PROMPT)
    assert result.cache.origin_trace_id == "first"
    assert (await stand.result()).cache.name is CacheName.ANSWER


async def test_an_unreadable_entry_is_made_again_and_written_over() -> None:
    stand = Stand()
    await stand.result()
    for _, entry, _ in (*stand.answers.stores, *stand.prompts.stores):
        object.__setattr__(entry, "payload", b"{")
    assert (await stand.result()).cache.result is CacheResult.MISS
    assert (await stand.result()).cache.result is CacheResult.HIT
    assert len(stand.generator.requests) == 2


async def test_nothing_found_asks_no_model_and_is_not_kept() -> None:
    stand = Stand(found=Retrieved(()))
    result = await stand.result()
    assert (result.answer.mode, result.outcome) == (Mode.NO_CONTEXT, Outcome.NO_CONTEXT)
    assert stand.generator.requests == []
    assert stand.answers.stores == []


async def test_without_a_model_the_documents_are_quoted_and_kept_for_a_short_while() -> None:
    stand = Stand(router=FakeRouter(route(None, reason=RouteReason.UNAVAILABLE)))
    result = await stand.result()
    assert (result.answer.mode, result.answer.model, result.outcome) == (Mode.EXTRACTIVE, None, Outcome.DEGRADED)
    assert Stage.EXTRACT in result.timings.stages
    (_, entry, _) = stand.answers.stores[0]
    assert entry.ttl_s == 60.0
    assert (await stand.result()).cache.result is CacheResult.HIT


async def test_an_answer_of_the_wanted_model_is_served_while_it_is_away() -> None:
    stand = Stand(router=FakeRouter(route(), route(None, reason=RouteReason.UNAVAILABLE)))
    await stand.result()
    result = await stand.result()
    assert result.cache.result is CacheResult.HIT
    assert result.answer.mode is Mode.GENERATED
    assert result.route.model == "small"
    assert Degradation.STEPPED_DOWN not in result.answer.degraded


async def test_the_next_model_takes_over_before_the_first_token_only() -> None:
    other = (Chunk("Other."), completion("large"))
    stand = Stand(router=FakeRouter(chosen("small", "large")), generator=ScriptedGenerator((AWAY,), other))
    result = await stand.result()
    assert [request.model for request in stand.generator.requests] == ["small", "large"]
    assert result.answer.model == "large"
    assert result.answer.degraded == (Degradation.STEPPED_DOWN,)
    assert (result.route.model, result.route.reason) == ("large", RouteReason.STEPPED_DOWN)
    # Kept under the key of the model that answered: the wanted one is asked again.
    stand.generator.scripts = deque([ANSWERED])
    assert (await stand.result()).answer.model == "small"

    started = Stand(router=FakeRouter(chosen("small", "large")), generator=ScriptedGenerator((Chunk("Half"), AWAY)))
    events = await started.events()
    assert events[1] == Token("Half")
    assert isinstance(events[-1], Failed)
    assert len(started.generator.requests) == 1


async def test_when_no_model_answers_the_documents_are_quoted() -> None:
    stand = Stand(router=FakeRouter(chosen("small", "large")), generator=ScriptedGenerator((AWAY,)))
    result = await stand.result()
    assert result.answer.mode is Mode.EXTRACTIVE
    assert (result.route.model, result.route.reason) == (None, RouteReason.UNAVAILABLE)


@pytest.mark.parametrize(
    ("error", "stage"),
    [
        (DependencyTimeout(Dependency.OLLAMA, "no first token"), Stage.GENERATE),
        (ServiceError(ErrorKind.STREAM_ERROR, "cut"), Stage.GENERATE),
    ],
)
async def test_other_failures_end_the_request_and_name_the_stage(error: ServiceError, stage: Stage) -> None:
    stand = Stand(router=FakeRouter(chosen("small", "large")), generator=ScriptedGenerator((error,)))
    failed = await stand.failure()
    assert (failed.error, failed.outcome, failed.error.stage) == (error, Outcome.ERROR, stage)
    assert failed.route is not None
    assert stand.answers.stores == []
    assert stand.limiter.load("small").in_flight == 0


async def test_a_model_asked_for_by_name_is_not_replaced_when_it_is_not_there() -> None:
    error = UnknownModel("small is not installed")
    named = route(reason=RouteReason.REQUESTED, fallbacks=("large",), requested="small")
    stand = Stand(router=FakeRouter(named), generator=ScriptedGenerator((error,)))
    assert (await stand.failure()).error is error


async def test_an_unknown_model_fails_before_anything_is_done() -> None:
    stand = Stand(router=FakeRouter(UnknownModel("no such model")))
    failed = await stand.failure()
    assert (failed.route, failed.cache) == (None, None)
    assert set(failed.timings.stages) == {Stage.ROUTE}


async def test_a_full_queue_is_a_rejection() -> None:
    gate = asyncio.Event()
    stand = Stand(generator=ScriptedGenerator((gate, *ANSWERED)), slots=1, waiting=1)
    asks = [asyncio.create_task(stand.events(f"Question {number}?")) for number in range(4)]
    async with asyncio.timeout(10):
        done, running = await asyncio.wait(asks, return_when=asyncio.FIRST_COMPLETED)
        while len(done) < 2:
            more, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            done |= more
        for task in done:
            failed = (await task)[-1]
            assert isinstance(failed, Failed)
            assert (failed.outcome, failed.error.kind) == (Outcome.REJECTED, ErrorKind.OVERLOADED)
            assert failed.error.retry_after_s
            assert failed.error.stage is Stage.ADMISSION
        # Nothing was searched for those who were turned away.
        assert len(stand.retriever.calls) == 2
        gate.set()
        for task in running:
            assert isinstance((await task)[-1], Done)
    assert len(stand.generator.requests) == 2
    assert stand.limiter.load("small").waiting == 0


async def test_whoever_shares_the_work_of_a_cold_model_has_waited_for_its_load_too() -> None:
    gate = asyncio.Event()
    loaded = completion(cold=True)
    stand = Stand(generator=ScriptedGenerator((gate, *ANSWERED[:-1], loaded)))
    asks = [asyncio.create_task(stand.events(trace=f"t{number}")) for number in range(3)]
    async with asyncio.timeout(10):
        while len(stand.router.calls) < 3:
            await asyncio.sleep(0)
        gate.set()
        ends = [(await ask)[-1] for ask in asks]
    assert [end.result.cold for end in ends if isinstance(end, Done)] == [True] * 3


async def test_identical_questions_at_the_same_time_are_one_work() -> None:
    gate = asyncio.Event()
    stand = Stand(generator=ScriptedGenerator((gate, *ANSWERED)))
    asks = [asyncio.create_task(stand.events(trace=f"t{number}")) for number in range(50)]
    async with asyncio.timeout(10):
        while len(stand.router.calls) < 50:
            await asyncio.sleep(0)
        gate.set()
        ends = [(await ask)[-1] for ask in asks]
    results = [end.result for end in ends if isinstance(end, Done)]
    assert len(results) == 50
    assert len(stand.generator.requests) == len(stand.retriever.calls) == 1
    kinds = [result.cache.result for result in results]
    assert kinds.count(CacheResult.MISS) == 1
    assert kinds.count(CacheResult.COALESCED) == 49
    (leader,) = [result for result in results if result.cache.result is CacheResult.MISS]
    assert not any(result.cold for result in results)
    for follower in results:
        assert follower.answer == leader.answer
        if follower is not leader:
            assert follower.cache.origin_trace_id == leader.trace_id
            assert set(follower.timings.stages) == {Stage.ROUTE, Stage.CACHE_LOOKUP, Stage.COALESCE}


async def test_leaving_stops_the_work_and_frees_the_place() -> None:
    stand = Stand(generator=ScriptedGenerator((Chunk("Momentum "), asyncio.Event())))
    async with asyncio.timeout(10), aclosing(stand.pipeline.ask(Question("What is momentum?"))) as events:
        async for event in events:
            if isinstance(event, Token):
                break
    assert stand.generator.closed == 1
    assert stand.limiter.load("small").in_flight == 0
    assert stand.answers.stores == []


async def test_one_who_leaves_stops_nothing_for_the_others() -> None:
    gate = asyncio.Event()
    stand = Stand(generator=ScriptedGenerator((Chunk("Momentum "), gate, completion())))
    async with asyncio.timeout(10):
        other = asyncio.create_task(stand.events())
        while not stand.generator.requests:
            await asyncio.sleep(0)
        async with aclosing(stand.pipeline.ask(Question("What is momentum?"))) as events:
            async for event in events:
                if isinstance(event, Token):
                    break
        gate.set()
        assert isinstance((await other)[-1], Done)


@pytest.mark.parametrize("control", [CacheControl(no_cache=True), CacheControl(no_store=True)])
async def test_who_declines_the_cache_flies_alone(control: CacheControl) -> None:
    gate = asyncio.Event()
    stand = Stand(generator=ScriptedGenerator((gate, *ANSWERED)), slots=4)
    asks = [asyncio.create_task(stand.events(control=control)) for _ in range(3)]
    async with asyncio.timeout(10):
        while len(stand.generator.requests) < 3:
            await asyncio.sleep(0)
        gate.set()
        for ask in asks:
            assert isinstance((await ask)[-1], Done)


async def test_a_cache_that_is_away_is_admitted_and_costs_no_answer() -> None:
    stand = Stand()
    stand.answers.broken = True
    result = await stand.result()
    assert result.answer.degraded == (Degradation.CACHE_UNAVAILABLE,)
    assert result.outcome is Outcome.DEGRADED
    # What was kept does not claim it: that was a fact of the one request.
    assert all(entry.payload == encode(ANSWER_KEPT) for _, entry, _ in stand.prompts.stores)


ANSWER_KEPT = ANSWER.__class__(
    text="Momentum persists [1].",
    mode=Mode.GENERATED,
    model="small",
    citations=tuple(
        type(ANSWER.citations[0])(one.text, one.source, one.document_id, one.chunk_id, one.start, one.end)
        for one in (passage(1),)
    ),
    input_tokens=12,
    output_tokens=5,
    digest="sha-small",
)


async def test_a_wanted_model_that_is_cold_is_loaded_meanwhile() -> None:
    stand = Stand(router=FakeRouter(route("small", "large", RouteReason.STEPPED_DOWN, warm="large")))
    result = await stand.result()
    assert result.answer.degraded == (Degradation.STEPPED_DOWN,)
    async with asyncio.timeout(10):
        while "preload large" not in stand.directory.calls:
            await asyncio.sleep(0)
    await stand.pipeline.close()


async def test_closing_ends_running_work_and_says_so() -> None:
    stand = Stand(generator=ScriptedGenerator((asyncio.Event(),)))
    async with asyncio.timeout(10):
        ask = asyncio.create_task(stand.events())
        while not stand.generator.requests:
            await asyncio.sleep(0)
        await stand.pipeline.close()
        failed = (await ask)[-1]
    assert isinstance(failed, Failed)
    assert failed.error.kind is ErrorKind.SHUTTING_DOWN
    assert stand.generator.closed == 1
