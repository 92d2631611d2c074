"""`emini-rag slow`."""

import json
from collections.abc import Callable

from service.ask.types import Outcome
from service.errors import ErrorKind
from service.monitoring.port import JudgedQuery, QueryRecord, QueryType
from service.services import About
from tests.fakes.http_service import listening
from tests.unit.cli.conftest import Shell
from tests.unit.monitoring.records import warm

COLD = warm(duration_s=13.2, cold=True, input_tokens=1234, trace_id="0af7")
SHED = QueryRecord(
    at=1_700_000_100.0, duration_s=5.1, outcome=Outcome.REJECTED, type=QueryType.ERROR, error=ErrorKind.OVERLOADED
)


def test_each_row_names_the_part_at_fault_and_what_is_usual(shell: Shell, service: Callable[[], str]) -> None:
    shell.fakes.slow_log.queries = [
        JudgedQuery(COLD, "generate.load", 12.0, 0.909, 0.0, 0.0, 1.2),
        JudgedQuery(SHED, "admission", 5.0, 0.98),
    ]
    told = shell("slow")
    assert told.exit_code == 0, told.output
    _, first, second = told.stdout.splitlines()
    assert first.split("  ")[0] == "13.2 s"
    for words in (
        "1.20 s",
        "generate: load",
        "12.0 s (91%)",
        "llama3.2:3b",
        "cache miss, cold, 1,234 tokens read",
        "0af7",
    ):
        assert words in first
    for words in ("5.10 s", "admission", "5.00 s (98%)", "overloaded", " - "):
        assert words in second
    assert shell.fakes.slow_log.asked == [(3600.0, 20)]


def test_window_and_count_reach_the_service(shell: Shell, service: Callable[[], str]) -> None:
    shell("slow", "--window", "1W", "--count", "3")
    assert shell.fakes.slow_log.asked == [(604_800.0, 3)]


def test_filters_reach_the_service(shell: Shell, service: Callable[[], str]) -> None:
    shell.fakes.slow_log.queries = [
        JudgedQuery(COLD, "generate.load", 12.0, 0.9),
        JudgedQuery(SHED, "admission", 5.0, 0.98),
    ]
    told = shell("slow", "--outcome", "rejected", "--outcome", "error", "--stage", "admission", "--json")
    assert [one["outcome"] for one in json.loads(told.stdout)["slow"]] == ["rejected"]
    assert len(json.loads(shell("slow", "--model", "none", "--json").stdout)["slow"]) == 1
    told = shell("slow", "--cache", "hit")
    assert told.stdout == "Nothing like that was asked within the last 1h.\n"


def test_a_window_beyond_what_is_kept_is_told_by_the_service(shell: Shell, service: Callable[[], str]) -> None:
    told = shell("slow", "--window", "30d")
    assert told.exit_code == 1
    assert "at most 7d" in told.stderr


def test_what_is_kept_is_told_beside_the_result(shell: Shell, service: Callable[[], str]) -> None:
    shell.fakes.slow_log.queries = [JudgedQuery(COLD, "generate.load", 12.0, 0.9)]
    shell.fakes.slow_log.problem = "the disk is full"
    told = shell("slow")
    assert "Kept: 1 since" in told.stderr
    assert "Note: the disk is full." in told.stderr
    assert "emini-rag trace 0af7" in told.stderr


def test_nothing_is_said_to_be_nothing(shell: Shell, service: Callable[[], str]) -> None:
    assert shell("slow", "--window", "30m").stdout == "Nothing was asked within the last 30m.\n"


def test_json_is_what_the_service_says(shell: Shell, service: Callable[[], str]) -> None:
    shell.fakes.slow_log.queries = [JudgedQuery(COLD, "generate.load", 12.0, 0.9, 0.0, 0.0, 1.2)]
    found = json.loads(shell("slow", "--json").stdout)
    assert (found["window_s"], found["slow"][0]["stage"]) == (3600.0, "generate.load")


def test_the_slowest_trace_is_linked_when_traces_have_a_page(shell: Shell) -> None:
    shell.fakes.about = About("emini-rag", "1", "abc", "test", "http://127.0.0.1:3001/t/{trace_id}")
    shell.fakes.slow_log.queries = [JudgedQuery(COLD, "generate.load", 12.0, 0.9, 0.0, 0.0, 1.2)]

    with listening(shell.fakes) as url:
        assert "http://127.0.0.1:3001/t/0af7" in shell("slow", "--url", url).stderr


def test_a_window_that_is_no_time_is_used_wrongly(shell: Shell) -> None:
    told = shell("slow", "--window", "soon")
    assert told.exit_code == 2
    assert "30m, 1h" in told.stderr


def test_without_a_service_it_says_so(shell: Shell) -> None:
    told = shell("slow")
    assert told.exit_code == 3
    assert "emini-rag serve" in told.stderr
