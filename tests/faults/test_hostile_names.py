"""Names that strangers make up, of models, routes, methods: they cost no series, name no span, reach nothing."""

import asyncio
import http.client
import re
from collections import Counter

import pytest

from tests.fakes.ollama_models import full_name
from tests.faults.conftest import FORBIDDEN
from tests.faults.stand import CHAT, EMBEDDER, MODEL, Guarded, client

EACH = 250
# What Ollama may be asked; nothing that changes what it has.
HARMLESS = {"/api/tags", "/api/ps", "/api/show", "/api/version", "/api/chat", "/api/generate", "/api/embed"}
SPAN_NAMES = re.compile(
    r"(GET|POST|DELETE|PUT|PATCH|HEAD|OPTIONS|HTTP)( /[a-z/_0-9{}.:]*)?"
    rf"|invoke_workflow ask|route|cache (lookup|store)|coalesce|(embeddings|chat|generate_content) ({MODEL}|{EMBEDDER})"
    r"|retrieval documents|search fts|(query|upsert|delete) documents|prompt|extract|admission"
    r"|ollama (queue|load|prompt eval|eval)"
    r"|ingest (document|folder)"
)


def series(page: str) -> int:
    return sum(not line.startswith("#") for line in page.splitlines())


async def hostile(guarded: Guarded, numbers: range) -> Counter[int]:
    """Statuses of four requests for each number, no two alike."""
    statuses: Counter[int] = Counter()
    key = f"Bearer {guarded.tokens['alpha']}"
    async with client(guarded.service, connections=8, authorization=key) as http:

        async def some(mine: range) -> None:
            for number in mine:
                name = f"<script>alert({number})</script>"
                body = {"query": f"What is momentum {number}?", "model": f"{name}:{number}b"}
                chat = {"messages": [{"role": "user", "content": "What is momentum?"}], "model": f'x"{{}}\n{number}'}
                replies = [
                    await http.post("/ask", json=body),
                    await http.post("/v1/chat/completions", json=chat),
                    await http.get(f"/{name}/{number}", headers={"user-agent": name}),
                    await http.request(f"BREW{number}", "/ask", headers={"user-agent": name}),
                ]
                statuses.update(reply.status_code for reply in replies)

        await asyncio.gather(*(some(numbers[turn::8]) for turn in range(8)))
    return statuses


def test_a_thousand_names_add_no_series_and_no_span_name(guarded: Guarded) -> None:
    guarded.service.ask("What is momentum rule 1?")
    asyncio.run(hostile(guarded, range(1)))
    before, chats = series(guarded.page()), len(guarded.ollama.bodies(CHAT))
    statuses = asyncio.run(hostile(guarded, range(1, EACH + 1)))
    assert statuses.total() == 4 * EACH
    assert {status // 100 for status in statuses} == {4}, statuses
    assert series(guarded.page()) == before
    assert len(guarded.ollama.bodies(CHAT)) == chats
    assert guarded.service.value("rag_telemetry_problems_total") == 0
    names = {span.name for span in guarded.every_span()}
    assert [name for name in names if not SPAN_NAMES.fullmatch(name)] == []


@pytest.mark.parametrize(
    "name",
    [
        FORBIDDEN, "forbidden", "FORBIDDEN:latest", f"{MODEL}:latest", "llama3.2", "llama3.2:latest", "LLAMA3.2:3B",
        f"library/{MODEL}", f"registry.ollama.ai/library/{MODEL}", f"hf.co/x/{MODEL}", f"../{MODEL}", f"./{MODEL}",
        f"{MODEL}@sha256:{'a' * 64}", f"sha256:{'a' * 64}", "a" * 64, f"{MODEL}\0", f"{MODEL}\n{FORBIDDEN}",
        f"{MODEL},{FORBIDDEN}", f"{MODEL}/../{FORBIDDEN}", "http://127.0.0.1:9/x", "*", "\u202e" + MODEL, EMBEDDER,
    ],
)  # fmt: skip
def test_no_spelling_gets_around_the_list_of_models(guarded: Guarded, name: str) -> None:
    chats = len(guarded.ollama.bodies(CHAT))
    chat = {"messages": [{"role": "user", "content": "What is momentum?"}], "model": name}
    for path, body in (("/ask", {"query": "What is momentum?", "model": name}), ("/v1/chat/completions", chat)):
        reply = guarded.service.client.post(path, json=body)
        assert (reply.status_code, reply.json()["kind"]) == (404, "model_not_found"), reply.text
    assert len(guarded.ollama.bodies(CHAT)) == chats


@pytest.mark.parametrize(
    "name", ["create", "pull", "push", "delete", "copy", "blobs/sha256:0", "tags", "chat", "embed"]
)
def test_nothing_of_ollama_is_passed_on(guarded: Guarded, name: str) -> None:
    calls = guarded.ollama.calls.copy()
    for prefix in ("/api", "/api/api", "", "/ollama/api", "/v1", "/api/v1"):
        for method in ("GET", "POST", "DELETE"):
            reply = guarded.service.client.request(method, f"{prefix}/{name}", json={"model": MODEL, "name": MODEL})
            assert reply.status_code in {404, 405}, (method, prefix, name)
    assert set(guarded.ollama.calls) <= HARMLESS
    assert guarded.ollama.calls["/api/chat"] == calls["/api/chat"]


def test_only_listed_models_were_ever_asked(guarded: Guarded) -> None:
    guarded.service.ask("What is momentum rule 2?")
    asked = {full_name(body["model"]) for _, body in guarded.ollama.requests if "model" in body}
    assert asked == {MODEL, full_name(EMBEDDER)}
    assert set(guarded.ollama.calls) <= HARMLESS


@pytest.mark.parametrize(
    "credentials",
    ["", "Bearer", "Bearer x", "Basic YTpi", "Bearer " + "k" * 10_000, "Bearer erag_{id}_", "erag", "bearer \xff\xfe"],
)
def test_no_false_key_opens_a_door(guarded: Guarded, credentials: str) -> None:
    key_id = guarded.tokens["alpha"].split("_")[1]
    connection = http.client.HTTPConnection("127.0.0.1", guarded.service.port, timeout=30)
    try:
        # The body is announced and never sent: the refusal comes before it is read.
        connection.putrequest("POST", "/ask")
        connection.putheader("Authorization", credentials.replace("{id}", key_id).encode("latin-1"))
        connection.putheader("Content-Length", "100000")
        connection.endheaders()
        reply = connection.getresponse()
        text = reply.read().decode()
    finally:
        connection.close()
    assert reply.status == 401, text
    assert '"kind":"unauthorized"' in text
