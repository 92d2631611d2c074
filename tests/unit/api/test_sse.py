"""The reply that relays an answer while it is made: when it begins, how it ends."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from service.api.frames import AskFrames
from service.api.sse import AnswerStream, frame
from service.ask.types import AskEvent, Failed, Outcome, Started, Timings, Token
from service.drain import Drain
from service.errors import ErrorKind, Overloaded, ServiceError
from tests.fakes.asker import FakeAsker
from tests.fakes.services import ROUTE, SCRIPT, TRACE
from tests.server_sent import events_of


class Wire:
    """The server's side of one exchange: `sent` messages, and a client that leaves when `gone` is set."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.gone = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    @property
    def text(self) -> str:
        return b"".join(message.get("body", b"") for message in self.sent).decode()

    @property
    def complete(self) -> bool:
        return self.sent[-1]["type"] == "http.response.body" and not self.sent[-1]["more_body"]


def stream(asker: FakeAsker, draining: Drain | None = None, keep_alive_s: float = 15.0) -> AnswerStream:
    def ask() -> AsyncIterator[AskEvent]:
        return asker.ask(None)  # type: ignore[arg-type] # the script does not look at it

    return AnswerStream(ask, AskFrames(TRACE.trace_id), draining or Drain(), keep_alive_s)


async def run(response: AnswerStream, wire: Wire) -> None:
    async with asyncio.timeout(10):
        await response({"type": "http"}, wire.receive, wire.send)


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


async def test_the_whole_answer_in_order() -> None:
    wire = Wire()
    await run(stream(FakeAsker(SCRIPT)), wire)
    assert [name for name, _ in events_of(wire.text)] == ["meta", "token", "token", "citations", "done"]
    headers = dict(wire.sent[0]["headers"])
    assert headers[b"content-type"] == b"text/event-stream"
    assert headers[b"x-accel-buffering"] == b"no"
    assert wire.complete


@pytest.mark.parametrize("script", [[], [Started(ROUTE)]])
async def test_a_refusal_before_the_first_token_is_no_stream(script: list[AskEvent]) -> None:
    asker = FakeAsker([*script, Failed(Overloaded("full", retry_after_s=3), Outcome.REJECTED, Timings(0.1))])
    wire = Wire()
    with pytest.raises(Overloaded):
        await run(stream(asker), wire)
    assert not wire.sent
    assert asker.closed == 1


async def test_the_route_is_told_while_the_model_is_still_loading() -> None:
    loaded = asyncio.Event()
    wire = Wire()
    running = asyncio.create_task(run(stream(FakeAsker([SCRIPT[0], loaded, *SCRIPT[1:]])), wire))
    await until(lambda: "event: meta" in wire.text)
    assert "event: token" not in wire.text
    loaded.set()
    await running
    assert wire.complete


async def test_a_failure_under_way_is_the_last_event() -> None:
    failed = Failed(ServiceError(ErrorKind.STREAM_ERROR, "the model stopped"), Outcome.ERROR, Timings(1.0))
    wire = Wire()
    await run(stream(FakeAsker([*SCRIPT[:2], failed])), wire)
    name, problem = events_of(wire.text)[-1]
    assert (name, problem["kind"], problem["status"]) == ("error", "stream_error", 502)
    assert problem["trace_id"] == TRACE.trace_id
    assert wire.complete


@pytest.mark.parametrize(("end", "kind"), [((), "stream_error"), ((RuntimeError("canary-4711"),), "server_error")])
async def test_a_stream_that_breaks_says_so(end: tuple[Any, ...], kind: str, caplog: pytest.LogCaptureFixture) -> None:
    wire = Wire()
    await run(stream(FakeAsker([*SCRIPT[:2], *end])), wire)
    assert events_of(wire.text)[-1][1]["kind"] == kind
    assert "canary-4711" not in wire.text
    assert wire.complete


async def test_a_client_that_leaves_ends_the_work_and_hears_nothing_more() -> None:
    asker = FakeAsker(SCRIPT[:2])
    asker.hang_at_end = True
    wire = Wire()
    running = asyncio.create_task(run(stream(asker), wire))
    await asker.hanging.wait()
    await until(lambda: "event: token" in wire.text)
    wire.gone.set()
    await running
    assert asker.closed == 1
    assert "event: error" not in wire.text


async def test_when_time_is_over_the_last_event_says_why() -> None:
    asker = FakeAsker(SCRIPT[:2])
    asker.hang_at_end = True
    draining, wire = Drain(), Wire()
    running = asyncio.create_task(run(stream(asker, draining), wire))
    await until(lambda: "event: token" in wire.text)
    draining.begin()
    await asyncio.sleep(0)
    assert "event: error" not in wire.text
    draining.end()
    await running
    assert events_of(wire.text)[-1][1]["kind"] == "shutting_down"
    assert wire.complete
    assert asker.closed == 1


async def test_silence_is_filled_for_proxies() -> None:
    resume = asyncio.Event()
    wire = Wire()
    running = asyncio.create_task(run(stream(FakeAsker([*SCRIPT[:2], resume, *SCRIPT[2:]]), keep_alive_s=0.01), wire))
    await until(lambda: wire.text.count(": the answer is being made\n\n") >= 2)
    resume.set()
    await running
    assert [name for name, _ in events_of(wire.text)] == ["meta", "token", "token", "citations", "done"]


async def test_a_reader_that_is_slow_does_not_hold_the_work_up() -> None:
    asker = FakeAsker([SCRIPT[0], *[Token("x")] * 500, SCRIPT[-1]])
    wire, open_again = Wire(), asyncio.Event()

    async def slow(message: Any) -> None:
        if message["type"] == "http.response.body":
            await open_again.wait()
        await wire.send(message)

    running = asyncio.create_task(stream(asker)({"type": "http"}, wire.receive, slow))
    await until(lambda: asker.closed == 1)
    open_again.set()
    await running
    assert wire.text.count("event: token") == 500


def test_a_frame_is_one_line_of_json() -> None:
    assert frame({"text": "a\nb\r\n\u2028"}, "token") == b'event: token\ndata: {"text":"a\\nb\\r\\n\xe2\x80\xa8"}\n\n'
    assert frame([1]) == b"data: [1]\n\n"
