"""Spans: when they are current, how they end, and that their faults stay with them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from opentelemetry.sdk.trace import Tracer
from opentelemetry.trace import StatusCode, get_current_span

from service.errors import Dependency, DependencyUnavailable, ErrorKind, InvalidQuestion, ServiceError
from service.telemetry.catalogue import PROBLEMS
from service.telemetry.stage import Stages, error_type
from tests.telemetry.recorder import Recorder
from tests.telemetry.trees import seconds

AWAY = DependencyUnavailable(Dependency.CHROMA, "Chroma is away; start it")


def current() -> int:
    return get_current_span().get_span_context().span_id


async def letters(*, then: BaseException | None = None) -> AsyncGenerator[tuple[str, int], None]:
    for letter in "abc":
        yield letter, current()
    if then is not None:
        raise then


def test_a_span_is_current_inside_its_block_only() -> None:
    recorder = Recorder()
    with recorder.stages.start("outer") as outer:
        with recorder.stages.start("inner") as inner:
            assert current() == inner.context.span_id
            recorder.clock.advance(0.25)
        assert current() == outer.context.span_id
    assert current() == 0
    first, second = recorder.spans()
    assert (first.name, first.parent.span_id, seconds(first)) == ("inner", second.context.span_id, 0.25)
    assert first.status.status_code is StatusCode.UNSET


def test_durations_do_not_follow_the_wall_clock() -> None:
    recorder = Recorder()
    with recorder.stages.start("work"):
        recorder.clock.advance(1.5)
        recorder.clock.set_time(0.0)
    assert seconds(recorder.only()) == 1.5


@pytest.mark.parametrize(
    ("error", "name"),
    [
        *((ServiceError(kind, "no"), kind.value) for kind in ErrorKind),
        (asyncio.CancelledError(), "cancelled"),
        (GeneratorExit(), "cancelled"),
        (TimeoutError(), "timeout"),
        (ConnectionRefusedError(), "connection_error"),
        (ValueError("secret"), "_OTHER"),
    ],
)
def test_every_failure_has_one_name(error: BaseException, name: str) -> None:
    assert error_type(error) == name
    recorder = Recorder()
    with pytest.raises(type(error)), recorder.stages.start("work") as span:
        raise error
    assert span.error_type == name
    ended = recorder.only()
    assert ended.attributes["error.type"] == name
    assert ended.status.status_code is (StatusCode.UNSET if name == "cancelled" else StatusCode.ERROR)
    assert "secret" not in ended.to_json()


def test_the_detail_is_told_unless_it_quotes_the_client() -> None:
    recorder = Recorder()
    for error in (AWAY, InvalidQuestion("the question 'secret' is too long")):
        with pytest.raises(ServiceError), recorder.stages.start("work"):
            raise error
    told, kept = recorder.spans()
    assert told.status.description == AWAY.detail
    assert told.events[0].attributes == {
        "exception.type": "DependencyUnavailable",
        "exception.message": AWAY.detail,
    }
    assert (kept.status.description, dict(kept.events[0].attributes)) == (None, {"exception.type": "InvalidQuestion"})


def test_an_unforeseen_error_shows_where_it_happened() -> None:
    recorder = Recorder()
    with pytest.raises(ZeroDivisionError), recorder.stages.start("work"):
        _ = 1 / 0
    trace = recorder.only().events[0].attributes["exception.stacktrace"]
    assert "test_stage.py" in trace
    assert "division" not in trace


@pytest.mark.parametrize(("passed_s", "name"), [(0.5, "cancelled"), (2.0, "timeout")])
def test_work_cancelled_after_its_deadline_is_late_not_left(passed_s: float, name: str) -> None:
    recorder = Recorder()
    with pytest.raises(asyncio.CancelledError), recorder.stages.start("work", deadline_s=2.0):
        recorder.clock.advance(passed_s)
        raise asyncio.CancelledError
    assert recorder.only().attributes["error.type"] == name


async def test_a_stream_sees_its_span_and_its_reader_does_not() -> None:
    recorder = Recorder()
    span = recorder.stages.start("stream")
    seen = []
    async with aclosing(span.follow(letters())) as items:
        async for item in items:
            seen.append(item)
            assert current() == 0
    span.end()
    assert seen == [(letter, span.context.span_id) for letter in "abc"]
    assert "error.type" not in recorder.only().attributes


async def test_a_task_made_by_the_stream_is_under_its_span() -> None:
    recorder = Recorder()

    async def parent() -> AsyncGenerator[int, None]:
        yield await asyncio.create_task(child())

    async def child() -> int:
        return current()

    span = recorder.stages.start("stream")
    assert [item async for item in span.follow(parent())] == [span.context.span_id]


async def test_a_stream_that_fails_says_so() -> None:
    recorder = Recorder()
    span = recorder.stages.start("stream")
    with pytest.raises(DependencyUnavailable):
        _ = [item async for item in span.follow(letters(then=AWAY))]
    span.end()
    assert recorder.only().attributes["error.type"] == "connection_error"


async def test_a_reader_that_leaves_cancels_unless_the_span_had_ended() -> None:
    recorder = Recorder()
    for ended in (False, True):
        span = recorder.stages.start("stream")
        async with aclosing(span.follow(letters())) as items:
            await anext(items)
            if ended:
                span.end()
        span.end()
    left, done = recorder.spans()
    assert left.attributes["error.type"] == "cancelled"
    assert "error.type" not in done.attributes


async def test_the_followed_stream_is_closed_under_the_span() -> None:
    recorder = Recorder()
    closed: list[int] = []

    async def stream() -> AsyncGenerator[int, None]:
        try:
            yield 1
            yield 2
        finally:
            closed.append(current())

    span = recorder.stages.start("stream")
    async with aclosing(span.follow(stream())) as items:
        await anext(items)
    assert closed == [span.context.span_id]


async def test_closing_from_another_task_leaves_no_trace_of_the_span() -> None:
    recorder = Recorder()
    span = recorder.stages.start("stream")
    items = span.follow(letters())
    await anext(items)
    await asyncio.create_task(items.aclose())
    assert current() == 0


def test_the_past_can_be_told_with_a_link() -> None:
    recorder = Recorder()
    with recorder.stages.start("whole") as whole:
        recorder.clock.advance(3.0)
        recorder.stages.past("part", whole, 1.0, 2.5, origin=("a" * 32, "b" * 16))
    part, ended = recorder.spans()
    assert (part.parent.span_id, part.start_time - ended.start_time) == (ended.context.span_id, 1_000_000_000)
    assert seconds(part) == 1.5
    assert part.links[0].context.trace_id == int("a" * 32, 16)


def test_a_span_can_begin_looking_back() -> None:
    recorder = Recorder()
    recorder.clock.advance(2.0)
    span = recorder.stages.start("call", ago_s=1.25)
    assert span.elapsed_s == pytest.approx(1.25)
    span.end()
    assert seconds(recorder.only()) == 1.25


def test_faults_of_bookkeeping_are_counted_and_not_felt() -> None:
    recorder = Recorder()
    with recorder.stages.start("work") as span:
        span.note(lambda: {"a": 1 // 0})
        span.link("no hex", "at all")
    recorder.stages.quietly("sums", lambda: 1 // 0)
    assert recorder.only().attributes == {}
    assert recorder.sample(PROBLEMS.name, problem="failed") == 3


def test_a_broken_tracer_costs_the_span_and_nothing_else() -> None:
    class Broken(Tracer):
        def __init__(self) -> None:
            pass

        def start_span(self, *args: object, **kwargs: object) -> object:
            raise RuntimeError("no")

    recorder = Recorder()
    with Stages(Broken(), recorder.meters, recorder.clock).start("work") as span:
        recorder.clock.advance(1.0)
    assert (span.elapsed_s, span.recording, recorder.spans()) == (1.0, False, ())
    assert recorder.sample(PROBLEMS.name, problem="failed") == 1


def test_after_the_end_nothing_changes(caplog: pytest.LogCaptureFixture) -> None:
    recorder = Recorder()
    span = recorder.stages.start("work")
    span.end()
    span.note(lambda: {"late": True})
    span.link("a" * 32, "b" * 16)
    span.fail(AWAY)
    span.end()
    assert (recorder.only().attributes, caplog.text) == ({}, "")
