"""What people write, and their keys, are in no telemetry of the running service, at any log level; capture is off."""

import asyncio
import contextlib
import socket
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.components.service import RunningService
from tests.fakes.ollama_server import Fault
from tests.faults.stand import MODEL, Guarded, client

# Each place has a word of its own, so that a leak says where it comes from.
QUESTION, DOCUMENT, FILE_NAME, ANSWER = "qzquestionq", "qzdocumentq", "qzfilenameq", "qzanswerq"
HEADER, URL_QUERY, PATH, MODEL_NAME, FIELD = "qzheaderq", "qzurlqueryq", "qzpathq", "qzmodelq", "qzfieldq"
WRONG_KEY, BROKEN_JSON, UPSTREAM, UPLOAD, CHAT_TEXT = "qzwrongkeyq", "qzjsonq", "qzupstreamq", "qzuploadq", "qzchatq"
TRACE_STATE = "qztracestateq"
CANARIES = (
    QUESTION, DOCUMENT, FILE_NAME, ANSWER, HEADER, URL_QUERY, PATH, MODEL_NAME, FIELD, WRONG_KEY, BROKEN_JSON, UPSTREAM,
    UPLOAD, CHAT_TEXT, TRACE_STATE,
)  # fmt: skip


@pytest.fixture(scope="module")
def sung(guarded: Guarded) -> Guarded:
    """The service, after it was told every canary in every place where somebody may put one."""
    service, ollama = guarded.service, guarded.ollama
    http = service.client
    text = f"# {DOCUMENT}\n\nThe {DOCUMENT} is what a {QUESTION} is about. A {CHAT_TEXT} is a {DOCUMENT} too.\n"
    assert http.post("/documents", files={"file": (f"{FILE_NAME}.md", text.encode())}).status_code == 201
    model = ollama.model(MODEL)
    said, model.reply = model.reply, (f"A {ANSWER} ", "it is [1].")
    try:
        for _ in range(2):
            answer = service.ask(f"What is a {QUESTION}?")
            assert ANSWER in answer["answer"]
            assert answer["citations"][0]["source"] == f"{FILE_NAME}.md"
        assert service.stream(f"What about a {QUESTION}, then?")[-1][0] == "done"
        chat = {"messages": [{"role": "user", "content": f"What is a {CHAT_TEXT}?"}], "user": FIELD}
        assert http.post("/v1/chat/completions", json=chat).status_code == 200
    finally:
        model.reply = said

    headers = {"user-agent": HEADER, "referer": HEADER, "cookie": f"a={HEADER}", "x-api-key": HEADER, HEADER: HEADER}
    headers |= {"baggage": f"user={HEADER}", "tracestate": f"{TRACE_STATE}=1", "x-forwarded-for": HEADER}
    traced = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    assert http.post("/ask", json={"query": "What is momentum?"}, headers=headers | traced).status_code == 200
    assert http.get(f"/documents?key={URL_QUERY}&{URL_QUERY}=1", headers=headers).status_code == 200
    assert http.post(f"/ask?query={URL_QUERY}", json={"query": "What is momentum?"}).status_code == 200

    refused = [
        http.get(f"/{PATH}"),
        http.get(f"/documents/{PATH}"),
        http.delete(f"/documents/{PATH}"),
        http.post("/ask", json={"query": QUESTION, "model": MODEL_NAME}),
        http.post("/ask", json={"query": QUESTION, FIELD: FIELD}),
        http.post("/ask", json={"query": {FIELD: QUESTION}}),
        http.post("/ask", json={"query": QUESTION * 1000}),
        http.post("/ask", content=f'{{"query": "{BROKEN_JSON}", {BROKEN_JSON}'.encode()),
        http.post("/documents", files={"file": (f"{FILE_NAME}.pdf", f"%PDF-1.7 {UPLOAD}".encode())}),
        http.post("/documents", files={"file": (f"{FILE_NAME}.exe", b"MZ\0\0" + UPLOAD.encode() * 100)}),
        http.post("/ask", json={"query": QUESTION}, headers={"authorization": f"Bearer {WRONG_KEY}"}),
        http.get("/documents", headers={"authorization": f"Basic {WRONG_KEY}"}),
    ]
    assert [reply.text for reply in refused if reply.status_code // 100 != 4] == []
    for number, fault in enumerate(
        (Fault(status=500, message=UPSTREAM), Fault(error_after=1, message=UPSTREAM), Fault(invalid_after=1))
    ):
        # The first call is for the question's vector.
        ollama.faults.extend((Fault(), fault))
        assert http.post("/ask", json={"query": f"What is {QUESTION} {number}?"}).status_code >= 500
    ollama.faults.append(Fault(status=500, message=UPSTREAM))
    assert "no_embedder" in service.ask(f"What is {QUESTION} by words?")["degraded"]
    asyncio.run(left(guarded))
    broken_off(service)
    return guarded


async def left(guarded: Guarded) -> None:
    """A question whose asker leaves."""
    guarded.ollama.faults.extend((Fault(), Fault(hang_after=1)))
    async with client(guarded.service, authorization=f"Bearer {guarded.tokens['alpha']}") as http:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await http.post("/ask", json={"query": f"What is a {QUESTION}, left alone?", "stream": True})


def broken_off(service: RunningService) -> None:
    """What is no HTTP at all."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as raw:
        raw.sendall(f"GET /{PATH} {HEADER}\r\n{HEADER}\r\n\r\n".encode())
        assert b"400" in raw.recv(1000)


def hits(text: str, secrets: Iterable[str]) -> list[str]:
    return [secret for secret in secrets if secret in text]


def secrets_of(guarded: Guarded) -> tuple[str, ...]:
    """The canaries, and of each key its secret part."""
    return (*CANARIES, *(token.rpartition("_")[2] for token in guarded.tokens.values()))


def test_spans_hold_none(sung: Guarded) -> None:
    spans = sung.every_span()
    names = {span.name for span in spans}
    assert {f"chat {MODEL}", "ingest document", "invoke_workflow ask"} <= names
    secrets = set(secrets_of(sung)) - {PATH, TRACE_STATE}
    assert [span for span in spans if hits(str(span), secrets)] == []


def test_spans_hold_no_path_that_a_client_made_up(sung: Guarded) -> None:
    assert [span for span in sung.every_span() if PATH in str(span)] == []


def test_spans_hold_no_trace_state_of_a_client(sung: Guarded) -> None:
    assert [span for span in sung.every_span() if TRACE_STATE in str(span)] == []


def test_the_metrics_page_holds_none(sung: Guarded) -> None:
    page = sung.page()
    assert "rag_errors_total{" in page
    assert hits(page, secrets_of(sung)) == []


def test_the_log_holds_none(sung: Guarded) -> None:
    log = sung.service.log.read_text()
    assert '"status": 502' in log
    assert hits(log, secrets_of(sung)) == []


def test_monitoring_holds_none(sung: Guarded) -> None:
    for page in ("recent", "slow", "performance", "cache", "models"):
        reply = sung.service.client.get(f"/monitoring/{page}")
        assert reply.status_code == 200
        assert hits(reply.text, secrets_of(sung)) == [], page


def test_keys_of_kept_answers_are_digests(sung: Guarded) -> None:
    files = list(sung.service.data.glob("cache-*.sqlite3"))
    kept = [key for file in files for key in cache_keys(file)]
    assert kept
    assert hits("\n".join(kept), secrets_of(sung)) == []


def cache_keys(file: Path) -> Iterator[str]:
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as db:
        for digest, family in db.execute("SELECT digest, family FROM entries"):
            yield f"{digest} {family}"


def test_the_command_line_and_the_key_file_hold_no_key(sung: Guarded) -> None:
    tokens = tuple(sung.tokens.values())
    parts = tuple(token.rpartition("_")[2] for token in tokens)
    arguments = Path(f"/proc/{sung.service.pid}/cmdline").read_text()
    assert hits(arguments, (*tokens, *parts)) == []
    for file in sung.service.data.iterdir():
        if file.is_file():
            assert hits(file.read_bytes().decode("latin-1"), (*tokens, *parts)) == [], file.name
