"""The table of failures, the deadline, and what the client must never do."""

import asyncio

import httpx
import ollama
import pytest

from ops.stack.process import free_port
from service.errors import (
    BadDependencyReply,
    Dependency,
    DependencyError,
    DependencyTimeout,
    DependencyUnavailable,
    ErrorKind,
    ServiceError,
    UnknownModel,
)
from service.ollama.client import calling, keep_alive_of, make_client, translated
from service.ollama.errors import OllamaUnreachable
from tests.fakes.ollama_server import FakeOllama, Fault

MODEL = "llama3.2:3b"


@pytest.mark.parametrize(
    ("raised", "begun", "kind", "error"),
    [
        (ollama.ResponseError("x", 400), False, ErrorKind.BAD_REQUEST, BadDependencyReply),
        (ollama.ResponseError("x", 404), False, ErrorKind.MODEL_NOT_FOUND, UnknownModel),
        (ollama.ResponseError("x", 503), False, ErrorKind.OVERLOADED, BadDependencyReply),
        (ollama.ResponseError("x", 504), False, ErrorKind.SERVER_ERROR, BadDependencyReply),
        (ollama.ResponseError("x"), True, ErrorKind.STREAM_ERROR, BadDependencyReply),
        (ollama.ResponseError("x", 301), False, ErrorKind.OTHER, BadDependencyReply),
        (ollama.RequestError("x"), False, ErrorKind.OTHER, BadDependencyReply),
        (httpx.ConnectError("x"), False, ErrorKind.CONNECTION_ERROR, OllamaUnreachable),
        (httpx.ConnectTimeout("x"), False, ErrorKind.CONNECTION_ERROR, OllamaUnreachable),
        (ConnectionError("x"), False, ErrorKind.CONNECTION_ERROR, OllamaUnreachable),
        (httpx.ReadTimeout("x"), True, ErrorKind.TIMEOUT, DependencyTimeout),
        (httpx.PoolTimeout("x"), False, ErrorKind.TIMEOUT, DependencyTimeout),
        (httpx.ReadError("x"), False, ErrorKind.CONNECTION_ERROR, DependencyUnavailable),
        (httpx.RemoteProtocolError("x"), False, ErrorKind.CONNECTION_ERROR, DependencyUnavailable),
        (httpx.ReadError("x"), True, ErrorKind.STREAM_ERROR, BadDependencyReply),
        (httpx.RemoteProtocolError("x"), True, ErrorKind.STREAM_ERROR, BadDependencyReply),
        (ValueError("not JSON"), False, ErrorKind.BAD_GATEWAY, BadDependencyReply),
        (ValueError("not JSON"), True, ErrorKind.STREAM_ERROR, BadDependencyReply),
        (AttributeError("a list"), False, ErrorKind.BAD_GATEWAY, BadDependencyReply),
        (httpx.UnsupportedProtocol("x"), False, ErrorKind.OTHER, BadDependencyReply),
    ],
)
async def test_each_failure_has_one_meaning(
    raised: Exception, begun: bool, kind: ErrorKind, error: type[ServiceError]
) -> None:
    with pytest.raises(ServiceError) as caught:
        async with calling("answer", 5, model=MODEL, begun=begun):
            raise raised
    assert type(caught.value) is error
    assert caught.value.kind is kind
    assert caught.value.__cause__ is raised
    if isinstance(caught.value, DependencyError):
        assert caught.value.dependency is Dependency.OLLAMA


def test_what_ollama_wrote_stays_out_of_the_detail() -> None:
    for status in (-1, 400, 404, 429, 500, 503):
        error = translated(ollama.ResponseError("the question was CANARY", status), model=MODEL)
        assert "CANARY" not in error.detail
        assert MODEL in error.detail


def test_a_missing_model_comes_with_advice_and_a_busy_server_with_a_pause() -> None:
    assert f"emini-rag models pull {MODEL}" in translated(ollama.ResponseError("x", 404), model=MODEL).detail
    assert translated(ollama.ResponseError("x", 503), model=MODEL).retry_after_s == 1.0


async def test_the_deadline_names_what_was_waited_for() -> None:
    with pytest.raises(DependencyTimeout) as caught:
        async with calling("first token from llama3.2:3b", 0.01):
            await asyncio.Event().wait()
    assert caught.value.detail == "no first token from llama3.2:3b within 0.01 s"


async def test_a_cancelled_call_is_cancelled_and_nothing_else() -> None:
    async def call() -> None:
        async with calling("answer", 5):
            await asyncio.Event().wait()

    task = asyncio.create_task(call())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_our_own_mistakes_are_not_blamed_on_ollama() -> None:
    with pytest.raises(ZeroDivisionError):
        async with calling("answer", 5):
            raise ZeroDivisionError


@pytest.mark.parametrize(
    ("text", "sent"), [("30m", "30m"), ("-1", -1), ("0", 0), ("300", 300), ("1.5", 1.5), (" 5m ", "5m"), ("-1m", "-1m")]
)
def test_keep_alive_goes_in_the_form_that_ollama_takes(text: str, sent: object) -> None:
    assert keep_alive_of(text) == sent
    assert isinstance(keep_alive_of(text), str) is isinstance(sent, str)


async def test_nobody_there_is_a_matter_of_milliseconds() -> None:
    client = make_client(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(OllamaUnreachable) as caught:
        async with calling("list", 5):
            await client.list()
    assert "RAG_OLLAMA__URL" in caught.value.detail
    await client.close()


async def test_proxy_variables_are_not_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    async with FakeOllama() as server:
        client = make_client(server.url)
        assert (await client.list()).models
        await client.close()


async def test_redirects_are_not_followed() -> None:
    async with FakeOllama() as server:
        server.poll_fault = Fault(status=302)
        client = make_client(server.url)
        with pytest.raises(BadDependencyReply):
            async with calling("list", 5):
                await client.list()
        await client.close()
