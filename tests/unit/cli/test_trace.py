"""`emini-rag trace`."""

import json
from collections.abc import Callable

import pytest

from service.errors import ErrorKind, ServiceError
from service.monitoring.port import Normal, Trace, TraceSource, TraceSpan, Usual
from service.services import About
from tests.fakes.http_service import listening
from tests.fakes.services import SMALL
from tests.unit.cli.conftest import Shell
from tests.unit.monitoring.records import hit, warm

ID = "0af7651916cd43dd8448eb211c80319c"
SPANS = (
    TraceSpan("POST /ask", "a" * 16, "", 0.0, 1.01, "unset", "server"),
    TraceSpan("route", "b" * 16, "a" * 16, 0.001, 0.01, "unset", "internal"),
)
TRACE = Trace(ID, TraceSource.MEMORY, 1.01, SPANS)


@pytest.fixture(autouse=True)
def known(shell: Shell) -> None:
    shell.fakes.traces.traces[ID] = TRACE
    shell.fakes.monitor.records = [warm(trace_id=ID)]
    shell.fakes.monitor.known = {SMALL: Usual(Normal(20, 0.9, 0.1), {"retrieve": Normal(20, 0.05, 0.01)})}


def test_stages_are_shown_against_what_is_usual_and_every_span(shell: Shell, service: Callable[[], str]) -> None:
    told = shell("trace", ID.upper())
    assert told.exit_code == 0, told.output
    lines = told.stdout.splitlines()
    assert lines[0] == f"Trace {ID}, from the service's memory"
    assert SMALL in lines[1]
    assert any("retrieve" in line and "90 ms" in line and "50 ms ± 10 ms" in line for line in lines)
    assert any("  route" in line and "10 ms" in line for line in lines)


def test_a_hit_is_not_compared_with_answers_that_were_made(shell: Shell, service: Callable[[], str]) -> None:
    shell.fakes.monitor.records = [hit(trace_id=ID)]
    assert "±" not in shell("trace", ID).stdout


def test_spans_alone_are_shown_when_nothing_else_is_known(shell: Shell, service: Callable[[], str]) -> None:
    shell.fakes.monitor.records = []
    told = shell("trace", ID)
    assert told.exit_code == 0
    assert "Stages" not in told.stdout
    assert "POST /ask" in told.stdout


def test_json_is_what_the_service_says(shell: Shell, service: Callable[[], str]) -> None:
    found = json.loads(shell("trace", ID, "--json").stdout)
    assert (found["trace_id"], found["record"]["duration_s"]) == (ID, 1.0)
    assert [span["name"] for span in found["spans"]] == ["POST /ask", "route"]


def test_the_page_of_the_trace_is_named(shell: Shell) -> None:
    shell.fakes.about = About("emini-rag", "1", "abc", "test", "http://127.0.0.1:3001/t/{trace_id}")
    with listening(shell.fakes) as url:
        assert f"http://127.0.0.1:3001/t/{ID}" in shell("trace", ID, "--url", url).stderr


def test_an_unknown_trace_and_a_tempo_that_is_away_are_told(shell: Shell, service: Callable[[], str]) -> None:
    told = shell("trace", "f" * 32)
    assert (told.exit_code, "no such trace" in told.stderr) == (1, True)
    shell.fakes.traces.errors = [ServiceError(ErrorKind.CONNECTION_ERROR, "Tempo is away")]
    told = shell("trace", "f" * 32)
    assert (told.exit_code, "Tempo is away" in told.stderr) == (1, True)


@pytest.mark.parametrize("wrong", ["abc", "g" * 32, "0" * 33])
def test_what_is_no_trace_id_is_used_wrongly(shell: Shell, wrong: str) -> None:
    told = shell("trace", wrong)
    assert told.exit_code == 2
    assert "32 hexadecimal" in told.stderr


def test_without_a_service_it_says_so(shell: Shell) -> None:
    assert shell("trace", ID).exit_code == 3
