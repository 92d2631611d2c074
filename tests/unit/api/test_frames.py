"""The dialect of `POST /ask`, through the route."""

from dataclasses import replace

import pytest

from service.api.answers import AnswerShape
from service.ask.types import CacheFacts, Done, Failed, Outcome, Started, Timings, Token
from service.cache.port import CacheResult
from service.errors import Overloaded
from tests.fakes.services import ANSWER, RESULT, ROUTE, SMALL, TRACE, FakeServices
from tests.server_sent import events_of
from tests.unit.api.client import client_of

STREAM = {"query": "What is momentum?", "stream": True}


@pytest.mark.parametrize(
    ("body", "accept"), [(STREAM, "*/*"), ({"query": "What is momentum?"}, "text/event-stream, */*;q=0.1")]
)
async def test_both_ways_to_ask_for_events(body: dict[str, object], accept: str) -> None:
    async with client_of(FakeServices()) as client:
        reply = await client.post("/ask", json=body, headers={"accept": accept})
    assert reply.headers["content-type"] == "text/event-stream"
    assert reply.headers["x-trace-id"] == TRACE.trace_id
    assert reply.headers["x-rag-model"] == SMALL
    assert reply.headers["cache-control"] == "no-store"
    events = events_of(reply.text)
    assert [name for name, _ in events] == ["meta", "token", "token", "citations", "done"]
    assert events[0][1]["routing"]["chosen"] == SMALL
    assert "".join(data["text"] for name, data in events if name == "token") == ANSWER.text
    assert events[3][1]["citations"][0]["source"] == "momentum.md"
    assert AnswerShape.model_validate(events[-1][1]).answer == ANSWER.text


async def test_the_body_counts_more_than_the_header() -> None:
    async with client_of(FakeServices()) as client:
        reply = await client.post("/ask", json=STREAM | {"stream": False}, headers={"accept": "text/event-stream"})
    assert reply.headers["content-type"] == "application/json"


async def test_an_answer_that_came_whole_is_one_token() -> None:
    fakes = FakeServices()
    fakes.asker.script = [Started(ROUTE), Done(replace(RESULT, cache=CacheFacts(CacheResult.HIT, age_s=1.0)))]
    async with client_of(fakes) as client:
        reply = await client.post("/ask", json=STREAM)
    assert [data["text"] for name, data in events_of(reply.text) if name == "token"] == [ANSWER.text]
    assert reply.headers["x-rag-cache"] == "hit"


async def test_thinking_is_marked_and_is_not_the_answer() -> None:
    fakes = FakeServices()
    fakes.asker.script = [Started(ROUTE), Token("hm", thinking=True), Done(RESULT)]
    async with client_of(fakes) as client:
        reply = await client.post("/ask", json=STREAM)
    tokens = [data for name, data in events_of(reply.text) if name == "token"]
    assert tokens == [{"text": "hm", "thinking": True}, {"text": ANSWER.text}]


async def test_a_refusal_has_its_status_in_a_stream_too() -> None:
    fakes = FakeServices()
    fakes.asker.script = [
        Started(ROUTE),
        Failed(Overloaded("too many wait", retry_after_s=4), Outcome.REJECTED, Timings(0.1)),
    ]
    async with client_of(fakes) as client:
        reply = await client.post("/ask", json=STREAM)
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "4")
    assert reply.headers["content-type"] == "application/problem+json"
