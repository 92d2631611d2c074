"""`POST /ask` in process: what goes in, what comes out, what is refused."""

from dataclasses import replace

import httpx
import pytest

from service.admission.port import Rejected, RejectReason
from service.api.answers import AnswerShape
from service.ask.types import CacheFacts, Done, Failed, Mode, Outcome, Stage, Started, Timings
from service.auth.principal import Scope
from service.cache.port import CacheControl, CacheName, CacheResult
from service.errors import Dependency, DependencyTimeout, ErrorKind
from tests.fakes.services import ANSWER, RESULT, ROUTE, SMALL, TRACE, FakeServices
from tests.unit.api.client import client_of, with_keys

QUESTION = {"query": "What is momentum trading?"}


async def post(fakes: FakeServices, body: object = QUESTION, **options: object) -> httpx.Response:
    async with client_of(fakes) as client:
        return await client.post("/ask", json=body, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["/ask", "/api/ask"])
async def test_an_answer_is_the_documented_object(path: str) -> None:
    fakes = FakeServices()
    async with client_of(fakes) as client:
        reply = await client.post(path, json=QUESTION)
    assert reply.status_code == 200
    told = AnswerShape.model_validate_json(reply.content)
    assert told.answer == ANSWER.text
    assert told.citations[0].model_dump() == {
        "text": "It buys what rises.",
        "source": "momentum.md",
        "document_id": "d1",
        "chunk_id": "d1-0",
        "start": 10,
        "end": 29,
    }
    assert reply.json()["routing"]["chosen"] == SMALL
    assert reply.json()["cache"] == {"result": "miss", "age_s": None, "origin_trace_id": None}
    assert (reply.headers["x-trace-id"], reply.headers["x-rag-cache"]) == (TRACE.trace_id, "miss")
    assert reply.headers["x-rag-model"] == SMALL


async def test_what_is_not_said_has_the_defaults_and_the_key_decides_the_tenant() -> None:
    fakes, gate = with_keys()
    await post(fakes, headers=gate.key(Scope.ASK, tenant="blue"))
    (question,) = fakes.asker.questions
    assert (question.model, question.temperature, question.max_tokens, question.top_k) == ("auto", 0.1, 2000, 5)
    assert (question.tenant, question.trace, question.cache) == ("blue", TRACE, CacheControl())


async def test_everything_that_can_be_said_is_heard() -> None:
    fakes = FakeServices()
    cache = {"no-cache": True, "no-store": True, "ttl": 60, "s-maxage": 5.5}
    body = {**QUESTION, "model": SMALL, "temperature": 1, "max_tokens": 7, "top_k": 3, "cache": cache}
    assert (await post(fakes, body)).status_code == 200
    (question,) = fakes.asker.questions
    assert (question.model, question.temperature, question.max_tokens, question.top_k) == (SMALL, 1.0, 7, 3)
    assert question.cache == CacheControl(True, True, 60, 5.5)


async def test_null_means_the_default() -> None:
    fakes = FakeServices()
    body = {**QUESTION, "model": None, "temperature": None, "max_tokens": None, "top_k": None, "cache": None}
    assert (await post(fakes, body)).status_code == 200
    assert fakes.asker.questions[0].max_tokens == 2000


@pytest.mark.parametrize(
    ("header", "control"),
    [
        ("no-cache", CacheControl(no_cache=True)),
        ("No-Store, max-age=0", CacheControl(no_store=True)),
        ("max-age=0", CacheControl()),
    ],
)
async def test_the_header_says_what_the_cache_may_do(header: str, control: CacheControl) -> None:
    fakes = FakeServices()
    await post(fakes, headers={"cache-control": header})
    assert fakes.asker.questions[0].cache == control


SECRET = "canary-4711"


@pytest.mark.parametrize(
    ("body", "status", "kind", "part"),
    [
        ({}, 422, "invalid_question", "query"),
        ({"query": ""}, 422, "invalid_question", "is empty"),
        ({"query": " \n\t "}, 422, "invalid_question", "is empty"),
        ({"query": "x" * 8001}, 422, "invalid_question", "8,000 are allowed"),
        ({"query": f"{SECRET}\0"}, 422, "invalid_question", "NUL"),
        ({"query": 5}, 422, "invalid_question", "query"),
        ({"query": [SECRET]}, 422, "invalid_question", "query"),
        (QUESTION | {"temperature": 2.1}, 422, "invalid_question", "temperature"),
        (QUESTION | {"temperature": -0.1}, 422, "invalid_question", "temperature"),
        (QUESTION | {"temperature": SECRET}, 422, "invalid_question", "temperature"),
        (QUESTION | {"max_tokens": 0}, 422, "invalid_question", "max_tokens"),
        (QUESTION | {"max_tokens": 32769}, 422, "invalid_question", "max_tokens"),
        (QUESTION | {"max_tokens": 10.5}, 422, "invalid_question", "max_tokens"),
        (QUESTION | {"max_tokens": True}, 422, "invalid_question", "max_tokens"),
        (QUESTION | {"top_k": 51}, 422, "invalid_question", "at most 50"),
        (QUESTION | {"top_k": 0}, 422, "invalid_question", "top_k"),
        (QUESTION | {"model": "m" * 201}, 422, "invalid_question", "model"),
        (QUESTION | {"stream": "yes"}, 422, "invalid_question", "stream"),
        (QUESTION | {"cache": {"ttl": -1}}, 422, "invalid_question", "cache.ttl"),
        (QUESTION | {"cache": {SECRET: 1}}, 422, "invalid_question", "cache: an unknown field"),
        (QUESTION | {"temprature": 1}, 422, "invalid_question", "did you mean `temperature`?"),
        (QUESTION | {SECRET: 1}, 422, "invalid_question", "allowed: query, model"),
        ([QUESTION], 400, "bad_request", "JSON object"),
        (SECRET, 400, "bad_request", "JSON object"),
    ],
)
async def test_what_cannot_be_asked_is_refused_without_an_echo(body: object, status: int, kind: str, part: str) -> None:
    fakes = FakeServices()
    reply = await post(fakes, body)
    assert (reply.status_code, reply.json()["kind"]) == (status, kind)
    assert reply.headers["content-type"] == "application/problem+json"
    assert part in reply.json()["detail"]
    assert reply.json()["trace_id"] == TRACE.trace_id
    assert SECRET not in reply.text
    assert not fakes.asker.questions


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"canary-4711",
        b'{"query": "canary-4711',
        b'{"query": "hello", "temperature": NaN}',
        b'{"query": "hello", "temperature": Infinity}',
        b'{"query": "hello", "temperature": -Infinity}',
        b'{"query": "\\ud800"}',
        b'{"query": "canary-4711\xff"}',
        b"[" * 100_000,
        '{"query": "hello"}'.encode("utf-16"),
    ],
)
async def test_what_is_no_json_is_refused(raw: bytes) -> None:
    fakes = FakeServices()
    async with client_of(fakes) as client:
        reply = await client.post("/ask", content=raw, headers={"content-type": "application/json"})
    assert (reply.status_code, reply.json()["kind"]) == (400, "bad_request")
    assert SECRET not in reply.text
    assert not fakes.asker.questions


async def test_a_number_that_overflows_is_no_temperature() -> None:
    async with client_of(FakeServices()) as client:
        reply = await client.post("/ask", content=b'{"query": "hello", "temperature": 1e999}')
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["field"] == "temperature"


async def test_every_fault_is_listed() -> None:
    reply = await post(FakeServices(), {"temperature": 9, "top_k": 0})
    assert [fault["field"] for fault in reply.json()["errors"]] == ["query", "temperature", "top_k"]
    assert "(and 2 more)" in reply.json()["detail"]


async def test_no_place_is_told_with_the_time_to_come_again() -> None:
    fakes = FakeServices()
    error = Rejected(RejectReason.QUEUE_FULL, "17 are waiting already", retry_after_s=7.2)
    fakes.asker.script = [Started(ROUTE), Failed(error, Outcome.REJECTED, Timings(0.001), ROUTE)]
    reply = await post(fakes)
    assert (reply.status_code, reply.json()["kind"]) == (429, "overloaded")
    assert reply.headers["retry-after"] == "8"
    assert reply.json()["detail"] == "17 are waiting already"


async def test_a_timeout_names_its_stage() -> None:
    fakes = FakeServices()
    error = DependencyTimeout(Dependency.OLLAMA, "no first token within 60 s")
    error.stage = Stage.GENERATE
    fakes.asker.script = [Failed(error, Outcome.ERROR, Timings(60.0))]
    reply = await post(fakes)
    assert (reply.status_code, reply.json()["stage"]) == (504, "generate")


async def test_a_failure_that_nobody_foresaw_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    fakes = FakeServices()
    fakes.asker.script = [Started(ROUTE), RuntimeError(SECRET)]
    reply = await post(fakes)
    assert (reply.status_code, reply.json()["kind"]) == (500, "server_error")
    assert SECRET not in reply.text
    assert "Traceback" not in reply.text
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [
        "unexpected RuntimeError"
    ]


async def test_events_that_end_early_are_a_failure() -> None:
    fakes = FakeServices()
    fakes.asker.script = [Started(ROUTE)]
    reply = await post(fakes)
    assert (reply.status_code, reply.json()["kind"]) == (500, ErrorKind.SERVER_ERROR)


async def test_a_hit_tells_its_age_and_origin() -> None:
    fakes = FakeServices()
    facts = CacheFacts(CacheResult.HIT, CacheName.ANSWER, 12.3456, 1.4, "feed" * 8)
    fakes.asker.script = [Started(ROUTE), Done(replace(RESULT, cache=facts))]
    reply = await post(fakes)
    assert reply.json()["cache"] == {"result": "hit", "age_s": 12.346, "origin_trace_id": "feed" * 8}
    assert reply.headers["x-rag-cache"] == "hit"


async def test_an_answer_without_a_model_says_how_it_was_made() -> None:
    fakes = FakeServices()
    answer = replace(ANSWER, model=None, mode=Mode.EXTRACTIVE)
    fakes.asker.script = [Started(ROUTE), Done(replace(RESULT, answer=answer))]
    reply = await post(fakes)
    assert reply.json()["model"] is None
    assert reply.headers["x-rag-model"] == "extractive"


async def test_nothing_new_is_begun_on_the_way_out() -> None:
    fakes = FakeServices()
    fakes.draining.begin()
    reply = await post(fakes)
    assert (reply.status_code, reply.json()["kind"]) == (503, "shutting_down")
    assert int(reply.headers["retry-after"]) >= 1
    assert not fakes.asker.questions


async def test_the_events_are_read_to_their_end() -> None:
    fakes = FakeServices()
    await post(fakes)
    assert fakes.asker.closed == 1
