"""The OpenAI-compatible routes in process. `tests/contract/test_clients.py` proves them with OpenAI's client."""

from dataclasses import replace
from typing import Any

import pytest

from service.api.answers import ChatShape, OpenAIModelsShape
from service.ask.types import Degradation, Done, Failed, Mode, Outcome, Started, Timings, Token
from service.auth.principal import Scope
from service.errors import ErrorKind, ServiceError, UnknownModel
from tests.fakes.services import ANSWER, LARGE, RESULT, ROUTE, SMALL, TRACE, FakeServices
from tests.server_sent import events_of
from tests.unit.api.client import client_of, with_keys

PATH = "/v1/chat/completions"
CHAT: dict[str, Any] = {"model": "auto", "messages": [{"role": "user", "content": "What is momentum?"}]}


async def test_a_completion_with_the_rest_as_an_extra_field() -> None:
    async with client_of(FakeServices()) as client:
        reply = await client.post(f"/api{PATH}", json=CHAT)
    body = ChatShape.model_validate_json(reply.content)
    assert body.model == SMALL
    assert body.choices[0]["message"] == {"role": "assistant", "content": ANSWER.text, "refusal": None}
    assert body.choices[0]["finish_reason"] == "stop"
    assert body.usage == {"prompt_tokens": 120, "completion_tokens": 9, "total_tokens": 129}
    assert body.rag["citations"][0]["source"] == "momentum.md"
    assert (body.rag["trace_id"], body.rag["ignored_messages"]) == (TRACE.trace_id, 0)
    assert "answer" not in body.rag


async def test_the_last_user_message_is_the_question_and_the_rest_is_counted() -> None:
    fakes = FakeServices()
    parts = [{"type": "text", "text": "What is"}, {"type": "image_url"}, {"type": "text", "text": "momentum?"}]
    messages = [
        {"role": "system", "content": "Be brief.", "name": "x"},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "user", "content": parts},
        {"role": "assistant", "content": "Well"},
    ]
    async with client_of(fakes) as client:
        reply = await client.post(PATH, json=CHAT | {"messages": messages, "n": 1, "user": "u", "seed": 4})
    assert fakes.asker.questions[0].text == "What is\nmomentum?"
    assert reply.json()["rag"]["ignored_messages"] == 4


async def test_the_newer_name_of_the_limit_wins() -> None:
    fakes = FakeServices()
    async with client_of(fakes) as client:
        await client.post(PATH, json=CHAT | {"max_tokens": 5, "max_completion_tokens": 6, "temperature": 0})
    assert (fakes.asker.questions[0].max_tokens, fakes.asker.questions[0].temperature) == (6, 0)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": []},
        {"messages": [{"role": "system", "content": "x"}]},
        {"messages": [{"role": "user", "content": "   "}]},
        {"messages": [{"role": "user", "content": None}]},
        {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
        {"messages": [{"role": "king", "content": "x"}]},
        {"messages": "x"},
        CHAT | {"temperature": 3},
        CHAT | {"messages": [{"role": "user", "content": "x" * 8001}]},
    ],
)
async def test_what_cannot_be_asked_is_told_in_openais_form_too(body: dict[str, Any]) -> None:
    async with client_of(FakeServices()) as client:
        reply = await client.post(PATH, json=body)
    assert reply.status_code == 422
    assert reply.json()["error"]["message"] == reply.json()["detail"]
    assert reply.json()["error"]["type"] == "invalid_question"


async def test_chunks_and_their_end() -> None:
    async with client_of(FakeServices()) as client:
        reply = await client.post(PATH, json=CHAT | {"stream": True, "stream_options": {"include_usage": True}})
    chunks = [data for _, data in events_of(reply.text)]
    assert chunks[-1] == "[DONE]"
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks[:-2]]
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert "".join(delta.get("content", "") for delta in deltas) == ANSWER.text
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[:-2]] == [None, None, None, "stop"]
    assert chunks[-3]["rag"]["mode"] == "generated"
    assert (chunks[-2]["choices"], chunks[-2]["usage"]["total_tokens"]) == ([], 129)
    assert len({chunk["id"] for chunk in chunks[:-1]}) == 1
    assert {chunk["object"] for chunk in chunks[:-1]} == {"chat.completion.chunk"}


async def test_usage_comes_only_when_asked_for_and_thinking_is_kept_apart() -> None:
    fakes = FakeServices()
    answer = replace(ANSWER, model=None, mode=Mode.EXTRACTIVE, degraded=(Degradation.OUTPUT_TRUNCATED,))
    fakes.asker.script = [Started(ROUTE), Token("hm", thinking=True), Done(replace(RESULT, answer=answer))]
    async with client_of(fakes) as client:
        reply = await client.post(PATH, json=CHAT | {"stream": True})
    chunks = [data for _, data in events_of(reply.text)][:-1]
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas[1:] == [{"reasoning_content": "hm"}, {"content": ANSWER.text}, {}]
    assert (chunks[-1]["model"], chunks[-1]["choices"][0]["finish_reason"]) == ("extractive", "length")


async def test_a_failure_under_way_is_an_error_chunk() -> None:
    fakes = FakeServices()
    failed = Failed(ServiceError(ErrorKind.STREAM_ERROR, "broke off"), Outcome.ERROR, Timings(1))
    fakes.asker.script = [Started(ROUTE), Token("x"), failed]
    async with client_of(fakes) as client:
        reply = await client.post(PATH, json=CHAT | {"stream": True})
    assert events_of(reply.text)[-1][1]["error"]["message"] == "broke off"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_model_that_may_not_be_named(stream: bool) -> None:
    fakes = FakeServices()
    fakes.asker.script = [Failed(UnknownModel("no such model"), Outcome.ERROR, Timings(0))]
    async with client_of(fakes) as client:
        reply = await client.post(PATH, json=CHAT | {"model": "gpt-9", "stream": stream})
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "model_not_found")


async def test_models_are_listed_with_auto_first() -> None:
    async with client_of(FakeServices()) as client:
        listed = OpenAIModelsShape.model_validate_json((await client.get("/v1/models")).content)
        one = await client.get(f"/v1/models/{LARGE}")
        none = await client.get("/v1/models/nomic-embed-text")
    assert [model.id for model in listed.data] == ["auto", SMALL, LARGE]
    assert one.json() == {"id": LARGE, "object": "model", "created": 0, "owned_by": "ollama"}
    assert (none.status_code, none.json()["kind"]) == (404, "model_not_found")


async def test_the_tenant_comes_from_the_key() -> None:
    fakes, gate = with_keys()
    async with client_of(fakes) as client:
        await client.post(PATH, json=CHAT, headers=gate.key(Scope.ASK, tenant="blue"))
    assert fakes.asker.questions[0].tenant == "blue"
