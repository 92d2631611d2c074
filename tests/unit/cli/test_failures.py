"""Failures in words, and exit codes."""

import io

import pytest
from rich.console import Console

from service.cli.failures import FAILED, UNREACHABLE, USAGE, Failure, Unreachable, failure_of, problem_failure, show
from service.errors import Dependency, DependencyUnavailable, ErrorKind, UnknownModel
from service.settings import BadSettings, SettingProblem


def shown(failure: Failure) -> str:
    out = io.StringIO()
    show(failure, Console(file=out, width=40, markup=False, highlight=False))
    return out.getvalue()


def test_a_failure_stays_what_it_is() -> None:
    failure = Unreachable("http://127.0.0.1:1", "connection refused")
    assert failure_of(failure) is failure
    assert (failure.code, failure.url) == (UNREACHABLE, "http://127.0.0.1:1")
    assert "emini-rag serve" in failure.todo


def test_settings_are_told_by_variable() -> None:
    failure = failure_of(BadSettings([SettingProblem("RAG_A", "is wrong", "a number"), SettingProblem("RAG_B", "too")]))
    assert failure.code == USAGE
    assert failure.lines == ("RAG_A: is wrong (allowed: a number)", "RAG_B: too")


def test_errors_of_the_service_say_it_themselves() -> None:
    failure = failure_of(DependencyUnavailable(Dependency.OLLAMA, "Ollama is away: start it"))
    assert (failure.what, failure.code) == ("Ollama is away: start it", FAILED)
    assert "models list" in failure_of(UnknownModel("no such model")).todo


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (FileNotFoundError(2, "No such file or directory", "notes.md"), "notes.md: No such file or directory"),
        (OSError(28, "No space left on device"), "No space left on device"),
    ],
)
def test_errors_of_the_system_keep_their_words(error: OSError, told: str) -> None:
    assert failure_of(error).what == told


def test_a_problem_of_the_service_is_told_whole() -> None:
    problem: dict[str, object] = {
        "title": "Too busy", "detail": "the queue is full", "kind": "overloaded", "stage": "admission",
        "trace_id": "abc", "errors": [{"field": "top_k", "problem": "at most 50"}],
    }  # fmt: skip
    failure = problem_failure(problem, retry_after="5")
    assert (failure.what, failure.why, failure.todo) == ("Too busy", "the queue is full", "Try again in 5 s.")
    assert failure.lines == ("top_k: at most 50", "stage admission", "trace abc")
    assert failure.kind is ErrorKind.OVERLOADED


def test_a_problem_of_a_kind_that_is_not_known_is_told_too() -> None:
    failure = problem_failure({"kind": "new_kind"})
    assert (failure.kind, failure.what) == (ErrorKind.OTHER, "The service failed")


def test_what_is_shown_is_harmless_and_not_folded() -> None:
    told = shown(Failure("It broke \x1b[2J", "because " + "x" * 100, todo="Do [bold]this[/bold].", lines=["a", "b"]))
    assert told.splitlines() == [f"It broke [2J: because {'x' * 100}", "  a", "  b", "  Do [bold]this[/bold]."]
