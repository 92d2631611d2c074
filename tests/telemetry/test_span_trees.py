"""The span tree of every way a question can go, with exact names, kinds, parents, attribute keys and status."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan

from service.ask.parts import Budgets
from service.ask.types import Done, Failed, Question, Token, TraceRef
from service.errors import Dependency, DependencyTimeout, DependencyUnavailable, ErrorKind, ServiceError, UnknownModel
from service.routing.port import RouteReason
from tests.fakes.generator import Step
from tests.telemetry.recorder import LARGE, SMALL
from tests.telemetry.trees import children, named, render, seconds
from tests.telemetry.wired import SlowGenerator, Wired, decided

GOLDEN = Path(__file__).parent / "golden"
AWAY = DependencyUnavailable(Dependency.OLLAMA, "Ollama is away")


def saying(*scripts: tuple[Step, ...]) -> SlowGenerator:
    return SlowGenerator(*scripts)


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0)


async def miss() -> Wired:
    wired = Wired()
    await wired.events()
    return wired


async def hit() -> Wired:
    wired = await miss()
    wired.spans()
    await wired.events()
    return wired


async def second_level_hit() -> Wired:
    wired = await miss()
    wired.spans()
    wired.version += 1
    await wired.events()
    return wired


async def no_context() -> Wired:
    wired = Wired(passages=())
    await wired.events()
    return wired


async def extractive() -> Wired:
    wired = Wired(decided(None, RouteReason.UNAVAILABLE))
    wired.embedder.away = True
    await wired.events()
    return wired


async def timeout() -> Wired:
    wired = Wired(generator=saying(("Half", DependencyTimeout(Dependency.OLLAMA, "no token within 15 s"))))
    await wired.events()
    return wired


async def search_timeout() -> Wired:
    wired = Wired(budgets=Budgets(retrieve_s=0.01))
    wired.retriever.hang.clear()
    asking = asyncio.create_task(wired.events())
    await eventually(lambda: wired.retriever.waiting)
    wired.clock.advance(0.01)
    await asking
    return wired


async def mid_stream_error() -> Wired:
    wired = Wired(generator=saying(("Half", ServiceError(ErrorKind.STREAM_ERROR, "Ollama: out of memory"))))
    await wired.events()
    return wired


async def fallback() -> Wired:
    wired = Wired(decided(LARGE, fallbacks=(SMALL,)), saying((AWAY,), ("Fine.",)))
    await wired.events()
    return wired


async def unknown_model() -> Wired:
    wired = Wired()
    wired.router.routes.clear()
    wired.router.routes.append(UnknownModel("The model canary is not one this service offers."))  # type: ignore[arg-type]
    await wired.events()
    return wired


async def rejected() -> Wired:
    release = asyncio.Event()
    wired = Wired(generator=saying((release,)), waiting=0)
    first = asyncio.create_task(wired.events("How long does momentum last?"))
    await eventually(lambda: wired.generator.running == 1)
    wired.spans()
    await wired.events()
    turned_away = wired.spans()
    release.set()
    await first
    wired.exporter.clear()
    wired.exporter.export(turned_away)
    return wired


async def cancelled_stream() -> Wired:
    wired = Wired(generator=saying(("Half", asyncio.Event())))
    async with aclosing(wired.asker.ask(Question("What is momentum?"))) as events:
        async for event in events:
            if isinstance(event, Token):
                break
    return wired


async def coalesced() -> Wired:
    release = asyncio.Event()
    wired = Wired(generator=saying((release, "Together.")))
    leader = asyncio.create_task(wired.events())
    await eventually(lambda: wired.generator.running == 1)
    follower = asyncio.create_task(wired.events(trace=TraceRef("c" * 32, "d" * 16)))
    await eventually(lambda: len(wired.answers.lookups) == 2)
    await asyncio.sleep(0)
    wired.clock.advance(0.5)
    release.set()
    await asyncio.gather(leader, follower)
    return wired


SCENARIOS: tuple[Callable[[], Awaitable[Wired]], ...] = (
    miss,
    hit,
    second_level_hit,
    no_context,
    extractive,
    timeout,
    search_timeout,
    mid_stream_error,
    fallback,
    unknown_model,
    rejected,
    cancelled_stream,
    coalesced,
)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
async def test_the_tree_is_the_golden_one(scenario: Callable[[], Awaitable[Wired]]) -> None:
    wired = await scenario()
    found = render(wired.spans())
    file = GOLDEN / f"{scenario.__name__}.txt"
    assert found == (file.read_text() if file.exists() else ""), f"{file.name} should be, if this is meant:\n{found}"


def test_every_golden_tree_has_its_scenario() -> None:
    assert {file.stem for file in GOLDEN.glob("*.txt")} == {scenario.__name__ for scenario in SCENARIOS}


@pytest.mark.parametrize(
    "scenario", [miss, hit, second_level_hit, no_context, extractive, coalesced], ids=lambda scenario: scenario.__name__
)
async def test_the_children_of_a_question_cover_it(scenario: Callable[[], Awaitable[Wired]]) -> None:
    """The clock stands still between the parts, so whatever is uncovered belongs to a part without a span."""
    spans = (await scenario()).spans()
    for whole in (span for span in spans if span.name == "invoke_workflow ask"):
        assert seconds(whole) > 0
        assert seconds(whole) == pytest.approx(sum(seconds(part) for part in children(whole, spans)), abs=1e-4)
        assert whole.attributes["rag.unaccounted_s"] == pytest.approx(0.0, abs=1e-6)


async def test_the_phases_stand_in_order_inside_the_call() -> None:
    spans = (await miss()).spans()
    chat = named(spans, f"chat {SMALL}")
    phases = children(chat, spans)
    assert [(phase.name, seconds(phase)) for phase in phases] == [
        ("ollama queue", 0.1),
        ("ollama load", 0.01),
        ("ollama prompt eval", 0.1),
        ("ollama eval", 0.2),
    ]
    assert phases[0].start_time == chat.start_time
    assert all(one.end_time == other.start_time for one, other in pairwise(phases))
    assert phases[-1].end_time <= chat.end_time


async def test_a_hit_points_to_the_trace_that_made_the_answer() -> None:
    spans = (await hit()).spans()
    for name in ("invoke_workflow ask", "cache lookup"):
        (link,) = named(spans, name).links
        assert (f"{link.context.trace_id:032x}", f"{link.context.span_id:016x}") == ("a" * 32, "b" * 16)


async def test_who_waited_points_to_the_leader_and_shows_the_wait() -> None:
    spans = (await coalesced()).spans()
    wait = named(spans, "coalesce")
    assert f"{wait.links[0].context.trace_id:032x}" == "a" * 32
    follower = next(span for span in spans if span.context.span_id == wait.parent.span_id)
    assert follower.attributes["rag.cache.result"] == "coalesced"
    assert len([span for span in spans if span.name.startswith("chat")]) == 1


async def test_errors_have_one_name_on_span_and_metric() -> None:
    wired = await timeout()
    spans = wired.spans()
    for name in ("invoke_workflow ask", f"chat {SMALL}"):
        assert named(spans, name).attributes["error.type"] == "timeout"
    assert named(spans, "invoke_workflow ask").attributes["rag.stage"] == "generate"
    assert wired.sample("rag_errors_total", stage="generate", error_type="timeout") == 1
    labels = {"gen_ai_operation_name": "chat", "gen_ai_provider_name": "ollama", "gen_ai_request_model": SMALL}
    count = "gen_ai_client_operation_duration_seconds_count"
    assert wired.sample(count, **labels, error_type="timeout") == 1
    asked = {"gen_ai_request_model": SMALL, "tier": "simple", "cache": "miss", "outcome": "error", "start": "warm"}
    assert wired.sample("rag_ask_duration_seconds_count", **asked) == 1


async def test_a_replaced_model_is_an_error_of_its_own_call_only() -> None:
    spans = (await fallback()).spans()
    assert named(spans, f"chat {LARGE}").attributes["error.type"] == "connection_error"
    assert "error.type" not in named(spans, f"chat {SMALL}").attributes
    assert "error.type" not in named(spans, "invoke_workflow ask").attributes


async def test_who_leaves_is_cancelled_and_still_measured() -> None:
    wired = await cancelled_stream()
    asked = {"gen_ai_request_model": SMALL, "tier": "simple", "cache": "miss", "start": "warm", "outcome": "cancelled"}
    assert wired.sample("rag_ask_duration_seconds_count", **asked) == 1
    assert wired.sample("rag_errors_total", stage="generate", error_type="cancelled") == 1


async def test_a_vector_that_was_kept_needs_no_inference_span() -> None:
    wired = Wired()
    wired.embedder.cached = True
    await wired.events()
    assert not [span for span in wired.spans() if span.name.startswith("embeddings")]


async def test_a_question_without_a_server_span_names_its_own_trace() -> None:
    wired = Wired()
    last = (await wired.events(trace=TraceRef()))[-1]
    assert isinstance(last, Done)
    assert last.result.trace_id == f"{named(wired.spans(), 'invoke_workflow ask').context.trace_id:032x}"


async def test_events_pass_unchanged() -> None:
    wired = Wired(generator=saying(("Half", AWAY)))
    *_, token, last = await wired.events()
    assert token == Token("Half")
    assert isinstance(last, Failed)
    assert last.error is AWAY


async def test_spans_end_before_the_last_event_is_seen() -> None:
    wired = Wired()
    ended: list[ReadableSpan] = []
    async with aclosing(wired.asker.ask(Question("What is momentum?"))) as events:
        async for event in events:
            if isinstance(event, Done):
                ended = list(wired.spans())
                break
    assert named(ended, "invoke_workflow ask").attributes["rag.outcome"] == "ok"
    assert not wired.spans()
