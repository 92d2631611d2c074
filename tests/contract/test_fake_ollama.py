"""The fake Ollama answers as the real one does: status, form and fields, for good calls and bad ones."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from ops.stack.process import DIRECT, wait_until
from tests.components.ollama import RunningOllama
from tests.fakes.ollama_server import FakeOllama

CHAT, EMBEDDING, MISSING = "llama3.2:3b", "nomic-embed-text", "not-there:1b"
MESSAGES = [{"role": "user", "content": "What is momentum trading?"}]
LIMITED = {"num_predict": 3, "temperature": 0, "seed": 42}
DURATIONS = {
    "total_duration",
    "load_duration",
    "prompt_eval_count",
    "prompt_eval_duration",
    "eval_count",
    "eval_duration",
}


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.real)])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "real":
        real: RunningOllama = request.getfixturevalue("real_ollama")
        yield real.url
    else:
        with FakeOllama().in_thread() as fake:
            yield fake.url


def call(url: str, path: str, body: object | None = None) -> tuple[int, list[dict[str, Any]]]:
    """Status, and the lines of the reply."""
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data=content, method="GET" if body is None else "POST")
    try:
        with DIRECT.open(request, timeout=30) as reply:
            return reply.status, [json.loads(line) for line in reply.read().splitlines()]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, [json.loads(line) for line in error.read().splitlines()]


def test_a_chat_streams_lines_and_ends_with_all_figures(url: str) -> None:
    status, lines = call(url, "/api/chat", {"model": CHAT, "messages": MESSAGES, "options": LIMITED})
    *pieces, last = lines
    assert status == 200
    assert all(not piece["done"] and piece["message"]["content"] for piece in pieces)
    assert last["done"] is True
    assert last["done_reason"] in {"stop", "length"}
    assert set(last) >= DURATIONS
    assert all(isinstance(last[name], int) and last[name] > 0 for name in DURATIONS)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/chat", {"model": MISSING, "messages": MESSAGES}, 404),
        ("/api/chat", {"model": EMBEDDING, "messages": MESSAGES}, 400),
        ("/api/chat", {"model": CHAT, "messages": MESSAGES, "think": True}, 400),
        ("/api/chat", {"model": CHAT, "messages": MESSAGES, "keep_alive": "-1"}, 400),
        ("/api/chat", {"model": CHAT, "messages": MESSAGES, "keep_alive": -1, "options": LIMITED}, 200),
        ("/api/chat", {"model": CHAT, "messages": MESSAGES, "think": False, "options": LIMITED}, 200),
        ("/api/embed", {"model": MISSING, "input": ["x"]}, 404),
        ("/api/embed", {"model": CHAT, "input": ["x"]}, 200),
        ("/api/show", {"model": MISSING}, 404),
        ("/api/generate", {"model": MISSING}, 404),
        ("/api/generate", {"model": EMBEDDING}, 400),
    ],
)
def test_statuses(url: str, path: str, body: dict[str, object], status: int) -> None:
    found, lines = call(url, path, body)
    assert found == status
    assert ("error" in lines[-1]) == (status != 200)


@pytest.mark.parametrize("path", ["/api/generate", "/api/chat"])
def test_a_load_without_a_question_is_one_line_without_durations(url: str, path: str) -> None:
    status, lines = call(url, path, {"model": CHAT})
    assert status == 200
    assert [line["done_reason"] for line in lines] == ["load"]
    assert not set(lines[0]) & DURATIONS


def test_vectors_and_their_figures(url: str) -> None:
    status, ((reply),) = call(url, "/api/embed", {"model": EMBEDDING, "input": ["one", "two"], "truncate": True})
    assert status == 200
    assert [len(vector) for vector in reply["embeddings"]] == [32, 32]
    assert {"total_duration", "load_duration", "prompt_eval_count"} == set(reply) & DURATIONS
    status, ((nothing),) = call(url, "/api/embed", {"model": EMBEDDING, "input": []})
    assert (status, nothing["embeddings"], set(nothing) & DURATIONS) == (200, [], set())


def test_what_is_installed_and_what_is_in_memory(url: str) -> None:
    call(url, "/api/generate", {"model": CHAT, "options": {"num_ctx": 512}})
    _, ((tags),) = call(url, "/api/tags")
    tag = next(model for model in tags["models"] if model["name"] == CHAT)
    assert {"name", "model", "size", "digest", "details", "modified_at"} <= set(tag)
    assert "nomic-embed-text:latest" in {model["name"] for model in tags["models"]}
    _, ((running),) = call(url, "/api/ps")
    loaded = next(model for model in running["models"] if model["name"] == CHAT)
    assert {"size_vram", "expires_at", "context_length", "digest", "size"} <= set(loaded)
    assert loaded["context_length"] == 512
    assert loaded["digest"] == tag["digest"]
    call(url, "/api/generate", {"model": CHAT, "keep_alive": 0})


def test_what_a_model_can_do(url: str) -> None:
    _, ((shown),) = call(url, "/api/show", {"model": EMBEDDING})
    assert shown["capabilities"] == ["embedding"]
    _, ((shown),) = call(url, "/api/show", {"model": CHAT})
    assert "completion" in shown["capabilities"]


def running(url: str) -> set[str] | None:
    """Ollama 0.24 says nothing at all, now and then, while it unloads."""
    _, told = call(url, "/api/ps")
    return {model["name"] for model in told[0]["models"]} if told else None


def test_a_call_with_keep_alive_zero_unloads(url: str) -> None:
    call(url, "/api/generate", {"model": CHAT})
    call(url, "/api/generate", {"model": CHAT, "keep_alive": 0})
    # The real one unloads after it has answered.
    wait_until(lambda: (names := running(url)) is not None and CHAT not in names, 30, "the model is unloaded")
