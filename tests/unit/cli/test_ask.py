"""`emini-rag ask`: over HTTP, and in this process."""

import json
from collections.abc import Callable

import pytest

from ops.stack.process import free_port
from service.ask.types import Failed, Outcome, Started, Timings, Token
from service.auth.principal import Scope
from service.errors import Dependency, DependencyUnavailable, Overloaded
from tests.fakes.http_service import listening
from tests.fakes.services import ROUTE, SCRIPT, TRACE, FakeGate
from tests.unit.cli.conftest import Shell

TEXT = "Momentum trading buys what rises [1]."


@pytest.fixture(params=["over HTTP", "in process"])
def either(request: pytest.FixtureRequest, shell: Shell) -> Shell:
    """The same expectations hold both ways."""
    if request.param == "over HTTP":
        request.getfixturevalue("service")
    return shell


def test_an_answer_with_its_sources(either: Shell) -> None:
    told = either("ask", "What is momentum?")
    assert told.exit_code == 0, told.output
    assert told.stdout.startswith(TEXT + "\n\nSources\n[1] momentum.md")
    assert either.fakes.asker.questions[0].text == "What is momentum?"


def test_json_is_the_raw_answer(either: Shell) -> None:
    answer = json.loads(either("ask", "why?", "--json").stdout)
    assert (answer["answer"], answer["trace_id"]) == (TEXT, TRACE.trace_id)
    assert answer["timings"]["total_s"] == 1.5


def test_stream_prints_tokens_and_then_the_rest(either: Shell) -> None:
    told = either("ask", "why?", "--stream")
    assert told.stdout.startswith(TEXT + "\n")
    assert told.stdout.count(TEXT) == 1
    assert "[1] momentum.md" in told.stdout


def test_stream_as_json_is_one_line_per_event(either: Shell) -> None:
    events = [json.loads(line) for line in either("ask", "why?", "--stream", "--json").stdout.splitlines()]
    assert [event["event"] for event in events] == ["meta", "token", "token", "citations", "done"]
    assert events[-1]["data"]["answer"] == TEXT


def test_explain_adds_the_waterfall(either: Shell) -> None:
    told = either("ask", "why?", "--explain").stdout
    assert "by policy" in told
    assert "█" in told


def test_options_reach_the_question(either: Shell) -> None:
    told = either(
        "ask", "why?", "--model", "llama3.2:3b", "--top-k", "3", "--max-tokens", "50", "--temperature", "0.5",
        "--no-cache",
    )  # fmt: skip
    assert told.exit_code == 0, told.output
    (question,) = either.fakes.asker.questions
    assert (question.model, question.top_k, question.max_tokens, question.temperature) == ("llama3.2:3b", 3, 50, 0.5)
    assert question.cache.no_cache
    assert not question.cache.no_store


def test_what_is_not_said_is_left_to_the_service(either: Shell) -> None:
    either("ask", "why?")
    (question,) = either.fakes.asker.questions
    assert (question.model, question.top_k, question.max_tokens, question.temperature) == ("auto", 5, 2000, 0.1)
    assert not question.cache.no_cache


@pytest.mark.parametrize("options", [[], ["--stream"], ["--json"]])
def test_a_failure_says_what_why_and_what_to_do(either: Shell, options: list[str]) -> None:
    error = Overloaded("the queue for llama3.2:3b is full", retry_after_s=3)
    either.fakes.asker.script = [Started(ROUTE), Failed(error, Outcome.REJECTED, Timings(0.1))]
    told = either("ask", "why?", *options)
    assert told.exit_code == 1
    assert "Too busy: the queue for llama3.2:3b is full" in told.stderr
    assert told.stdout == ""


def test_a_failure_after_the_first_token_ends_with_1(either: Shell) -> None:
    error = DependencyUnavailable(Dependency.OLLAMA, "it died")
    either.fakes.asker.script = [Started(ROUTE), Token("Mom"), Failed(error, Outcome.ERROR, Timings(0.1))]
    told = either("ask", "why?", "--stream")
    assert (told.exit_code, told.stdout) == (1, "Mom")
    assert "it died" in told.stderr


def test_a_question_that_is_too_long_is_refused(either: Shell) -> None:
    told = either("ask", "x" * 9000)
    assert told.exit_code == 1
    assert "9,000 characters" in told.stderr
    assert either.fakes.asker.questions == []


@pytest.mark.parametrize("question", ["", "  \n"])
def test_an_empty_question_is_used_wrongly(shell: Shell, question: str) -> None:
    told = shell("ask", question)
    assert told.exit_code == 2
    assert "empty" in told.stderr


def test_a_dash_reads_the_question_from_standard_input(either: Shell) -> None:
    either("ask", "-", typed="What is\nmomentum?\n")
    assert either.fakes.asker.questions[0].text == "What is\nmomentum?"


def test_in_process_says_so_and_closes_what_it_opened(shell: Shell) -> None:
    told = shell("ask", "why?")
    assert "answering here" in told.stderr
    assert (shell.opened, shell.fakes.closed) == (1, 1)


def test_the_first_time_the_documents_folder_is_read_before_the_question(shell: Shell) -> None:
    told = shell("ask", "why?")
    assert "add some with `emini-rag ingest PATH`" in told.stderr
    shell.settings.documents_dir.mkdir()
    (shell.settings.documents_dir / "a.md").write_text("text")
    assert "for the first time" in shell("ask", "why?").stderr
    assert [document.source for document in shell.fakes.corpus.documents()] == ["a.md"]
    assert "Reading" not in shell("ask", "why?").stderr
    assert "refresh" in shell.fakes.directory.calls  # so that a model that is there is known before the question


def test_over_http_nothing_is_opened(shell: Shell, service: Callable[[], str]) -> None:
    told = shell("ask", "why?")
    assert (told.stderr, shell.opened) == ("", 0)


def test_an_address_that_was_named_is_the_only_one_that_counts(shell: Shell) -> None:
    told = shell("ask", "why?", "--url", f"http://127.0.0.1:{free_port()}")
    assert told.exit_code == 3
    assert "connection refused" in told.stderr
    assert shell.opened == 0


def test_a_key_is_needed_and_sent(shell: Shell) -> None:
    gate = FakeGate()
    shell.fakes.gate = gate

    with listening(shell.fakes) as url:
        told = shell("ask", "why?", "--url", url)
        assert told.exit_code == 1
        assert "RAG_API_KEY" in told.stderr
        file = shell.folder / "key"
        file.write_text("key0")
        file.chmod(0o600)

        gate.key(Scope.ASK)
        assert shell("ask", "why?", "--url", url, "--key-file", str(file)).exit_code == 0
    assert gate.seen == [None, "Bearer key0"]


def test_a_stream_that_ends_too_early_is_a_failure(shell: Shell) -> None:
    shell.fakes.asker.script = list(SCRIPT[:2])
    told = shell("ask", "why?", "--stream")
    assert told.exit_code == 1
    assert "broke off" in told.stderr
