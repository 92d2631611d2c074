"""A model server that hangs, drips, refuses, lies or breaks off: an error that says so, in time, and nothing kept.

Every fault strikes one JSON answer and one stream at the same time.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from ops.stack.process import wait_until
from tests.components.service import RunningService
from tests.fakes.ollama_server import FakeModel, FakeOllama, Fault
from tests.faults.stand import CHAT, MODEL, PATIENCE_S, answering, assert_calm, client, failures, in_flight, question
from tests.server_sent import server_sent

FIRST_TOKEN_S, BETWEEN_TOKENS_S, TOTAL_S = 1.0, 1.0, 2.5
_numbers = itertools.count()


@dataclass(frozen=True)
class Case:
    """A fault and what it must become. `tokens` a stream has shown by then; `begun`: its status was 200 already."""

    name: str
    fault: Fault
    kind: str
    status: int
    begun: bool = False
    tokens: int = 0
    retry_after: bool = False


CASES = [
    Case("hangs before the first token", Fault(hang_before=True), "timeout", 504, begun=True),
    Case("hangs between tokens", Fault(hang_after=2), "timeout", 504, begun=True, tokens=2),
    Case("one byte at a time", Fault(drip_s=0.2), "timeout", 504, begun=True),
    Case("busy", Fault(status=503, message="server busy"), "overloaded", 429, retry_after=True),
    Case("fails", Fault(status=500), "server_error", 502),
    Case("refuses what it is asked", Fault(status=400), "bad_request", 502),
    Case("error before the first token", Fault(error_after=0), "stream_error", 502),
    Case("error between tokens", Fault(error_after=2), "stream_error", 502, begun=True, tokens=2),
    Case("no JSON at first", Fault(invalid_after=0), "bad_gateway", 502),
    Case("no JSON between tokens", Fault(invalid_after=2), "stream_error", 502, begun=True, tokens=2),
    Case("cut between tokens", Fault(cut_after=2), "stream_error", 502, begun=True, tokens=2),
    Case("ends without its last message", Fault(no_done=True), "stream_error", 502, begun=True, tokens=6),
]


@pytest.fixture(scope="module")
def ollama() -> Iterator[FakeOllama]:
    with FakeOllama([FakeModel(MODEL, resident=True)], slots=4).in_thread() as running:
        yield running


@pytest.fixture(scope="module")
def service(ollama: FakeOllama, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with answering(
        tmp_path_factory.mktemp("ollama-faults"),
        ollama,
        RAG_ADMISSION__SLOTS="4",
        RAG_DEADLINES__FIRST_TOKEN_S=str(FIRST_TOKEN_S),
        RAG_DEADLINES__BETWEEN_TOKENS_S=str(BETWEEN_TOKENS_S),
        RAG_DEADLINES__TOTAL_S=str(TOTAL_S),
    ) as running:
        yield running
    assert_calm(running)


@pytest.fixture(autouse=True)
def _well_again(ollama: FakeOllama) -> Iterator[None]:
    yield
    ollama.fault = None
    ollama.faults.clear()
    ollama.model(MODEL).token_s = 0.0


def two_questions() -> tuple[str, str]:
    return question(next(_numbers)), question(next(_numbers))


async def ask_both_ways(service: RunningService, plain: str, streamed: str) -> tuple[httpx.Response, httpx.Response]:
    async with client(service) as http:
        return await asyncio.gather(
            http.post("/ask", json={"query": plain}),
            http.post("/ask", json={"query": streamed, "stream": True}),
        )


def events_of(reply: httpx.Response) -> list[tuple[str, dict[str, Any]]]:
    return list(server_sent(iter(reply.text.splitlines())))


def assert_nothing_left(service: RunningService, ollama: FakeOllama, *asked: str) -> None:
    """The places are free, and the same questions are answered by the model as if they had never been asked."""
    wait_until(lambda: in_flight(service) == 0 and ollama.running[MODEL] == 0, PATIENCE_S, "the places are free")
    for query in asked:
        again = service.ask(query)
        assert (again["cache"]["result"], again["mode"]) == ("miss", "generated")


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_it_is_told_in_time_and_leaves_nothing_behind(service: RunningService, ollama: FakeOllama, case: Case) -> None:
    asked = two_questions()
    calls, counted = len(ollama.bodies(CHAT)), failures(service, "generate", case.kind)
    ollama.fault = case.fault
    whole, stream = asyncio.run(ask_both_ways(service, *asked))
    ollama.fault = None
    # Nothing is tried again, least of all after the first token.
    assert len(ollama.bodies(CHAT)) - calls == 2

    assert whole.status_code == case.status, whole.text
    assert ("retry-after" in whole.headers) is case.retry_after
    problems = [whole.json()]
    if case.begun:
        assert stream.status_code == 200
        events = events_of(stream)
        kinds = [kind for kind, _ in events]
        assert kinds == ["meta", *["token"] * case.tokens, "error"]
        problems.append(events[-1][1])
    else:
        assert stream.status_code == case.status, stream.text
        problems.append(stream.json())
    for problem in problems:
        assert (problem["kind"], problem["status"], problem["stage"]) == (case.kind, case.status, "generate")
        assert MODEL in problem["detail"]
        assert problem["trace_id"]
    assert failures(service, "generate", case.kind) - counted == 2
    told = [line for line in service.log_lines() if line["message"] == "no answer"][-2:]
    assert {line["trace_id"] for line in told} == {problem["trace_id"] for problem in problems}
    assert {(line["error_type"], line["stage"]) for line in told} == {(case.kind, "generate")}
    assert_nothing_left(service, ollama, *asked)


def test_an_answer_that_never_hangs_and_never_ends_is_ended(service: RunningService, ollama: FakeOllama) -> None:
    asked = two_questions()
    ollama.model(MODEL).token_s = 0.9
    whole, stream = asyncio.run(ask_both_ways(service, *asked))
    ollama.model(MODEL).token_s = 0.0
    events = events_of(stream)
    assert whole.status_code == 504
    assert events[-1][0] == "error"
    assert [kind for kind, _ in events].count("token") >= 1
    for problem in (whole.json(), events[-1][1]):
        assert (problem["kind"], problem["stage"]) == ("timeout", "generate")
        assert "no complete answer" in problem["detail"]
    assert_nothing_left(service, ollama, *asked)


@pytest.mark.parametrize(
    ("fault", "told"),
    [(Fault(status=404, message="model not found"), "model_unavailable"), (Fault(drop=True), "model_unavailable")],
    ids=["model is gone", "connection is dropped"],
)
def test_what_fails_before_it_begins_is_answered_by_quotation(
    service: RunningService, ollama: FakeOllama, fault: Fault, told: str
) -> None:
    asked = two_questions()
    calls = len(ollama.bodies(CHAT))
    ollama.fault = fault
    whole, stream = asyncio.run(ask_both_ways(service, *asked))
    ollama.fault = None
    assert len(ollama.bodies(CHAT)) > calls
    events = events_of(stream)
    assert events[-1][0] == "done"
    for answer in (whole.json(), events[-1][1]):
        assert answer["mode"] == "extractive"
        assert told in answer["degraded"]
        assert answer["notice"]
        assert answer["citations"]
    assert_nothing_left(service, ollama, *asked)


def test_half_of_all_calls_failing_is_no_storm(service: RunningService, ollama: FakeOllama) -> None:
    asks = 80
    calls = len(ollama.bodies(CHAT))
    ollama.faults.extend([Fault(drop=True), Fault()] * asks)

    async def drive() -> list[dict[str, Any]]:
        async with client(service, connections=4) as http:
            some = [
                await asyncio.gather(*(http.post("/ask", json={"query": question(500 + n + m)}) for m in range(4)))
                for n in range(0, asks, 4)
            ]
            return [reply.raise_for_status().json() for replies in some for reply in replies]

    modes = Counter(answer["mode"] for answer in asyncio.run(drive()))
    assert modes["generated"] + modes["extractive"] == asks
    assert modes["extractive"] > asks / 4, "the fault did not strike"
    made = len(ollama.bodies(CHAT)) - calls
    # A tenth more than there are questions; the questions before these had their tenth, too.
    assert asks <= made <= 1.1 * asks + 0.1 * calls + 1


def test_a_server_that_goes_away_and_comes_back(service: RunningService, ollama: FakeOllama) -> None:
    ollama.crash()
    away = service.ask(question(900))
    assert away["mode"] == "extractive"
    wait_until(lambda: service.value("rag_ollama_up") == 0, PATIENCE_S, "it is seen to be away")
    away = service.ask(question(901))
    assert (away["mode"], away["routing"]["chosen"]) == ("extractive", None)
    assert "llm_unreachable" in away["degraded"]
    assert service.client.get("/readyz").status_code == 200
    ollama.come_back()
    wait_until(lambda: service.value("rag_ollama_up") == 1, PATIENCE_S, "it is seen to be back")
    for number in (900, 901):
        assert service.ask(question(number))["mode"] == "generated"
