"""Log lines: their members, what they join to, what they never hold, and that a broken stream hurts nobody."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider

from service.errors import Dependency, DependencyUnavailable
from service.telemetry.logs import configure_logging
from tests.fakes.logging_state import restored_logging

CANARY = "canary-77"


class Lines(io.StringIO):
    """A stream, terminal or not, that reads its own lines."""

    def __init__(self, terminal: bool = False) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    @property
    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    with restored_logging():
        yield


def configured(level: str = "INFO", *, terminal: bool = False) -> Lines:
    lines = Lines(terminal)
    configure_logging(level, "emini-rag", "testing", lines)
    return lines


def test_a_line_says_when_what_and_who() -> None:
    lines = configured()
    logging.getLogger("service.x").info("loaded %d documents", 3)

    (line,) = lines.all
    assert line["level"] == "INFO"
    assert line["logger"] == "service.x"
    assert line["message"] == "loaded 3 documents"
    assert (line["service.name"], line["environment"]) == ("emini-rag", "testing")
    assert line["time"].endswith("Z") and "T" in line["time"]
    assert "trace_id" not in line


def test_a_line_inside_a_span_is_joined_to_it() -> None:
    lines = configured()
    with TracerProvider(shutdown_on_exit=False).get_tracer("test").start_as_current_span("span") as span:
        logging.getLogger("service.x").warning("inside")

    (line,) = lines.all
    context = span.get_span_context()
    assert line["trace_id"] == f"{context.trace_id:032x}"
    assert line["span_id"] == f"{context.span_id:016x}"
    assert int(line["trace_flags"], 16) & 1


def test_fields_become_members_and_newlines_stay_inside_a_line() -> None:
    lines = configured()
    logging.getLogger("service.x").info("two\nlines é", extra={"fields": {"status": 200, "route": "/ask"}})

    assert lines.getvalue().count("\n") == 1
    assert lines.getvalue().isascii()
    assert lines.all[0]["message"] == "two\nlines é"
    assert (lines.all[0]["status"], lines.all[0]["route"]) == (200, "/ask")


def boom(message: str) -> None:
    raise ValueError(message)


def raised(message: str) -> Exception:
    try:
        try:
            boom(message)
        except ValueError as error:
            raise KeyError(message) from error
    except KeyError as error:
        return error


def test_an_exception_is_told_with_its_places_and_without_its_message() -> None:
    lines = configured()
    logging.getLogger("service.x").error("unexpected %s", "KeyError", exc_info=raised(CANARY))

    (line,) = lines.all
    assert line["exception.type"] == "KeyError"
    assert "in boom" in line["exception.stacktrace"]
    assert "ValueError" in line["exception.stacktrace"]
    assert CANARY not in lines.getvalue()


def test_at_debug_the_message_is_there() -> None:
    lines = configured("DEBUG")
    logging.getLogger("service.x").error("unexpected", exc_info=raised(CANARY))
    assert CANARY in lines.all[0]["exception.message"]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (DependencyUnavailable(Dependency.OLLAMA, "no answer from the server"), "no answer from the server"),
        (OSError(28, "No space left on device", f"/data/{CANARY}"), "No space left on device"),
    ],
)
def test_messages_that_hold_no_content_are_told(error: Exception, message: str) -> None:
    lines = configured()
    logging.getLogger("service.x").error("failed", exc_info=error)
    assert lines.all[0]["exception.message"] == message
    assert CANARY not in lines.getvalue()


def test_an_exception_is_told_once() -> None:
    lines = configured()
    error = raised("x")
    logging.getLogger("service.x").error("first", exc_info=error)
    logging.getLogger("service.y").error("second", exc_info=error)
    logging.getLogger("uvicorn.error").error("Exception in ASGI application", exc_info=error)
    logging.getLogger("uvicorn.error").error("Exception in ASGI application", exc_info=raised("y"))

    assert [line["message"] for line in lines.all] == ["first", "second", "Exception in ASGI application"]
    assert ["exception.type" in line for line in lines.all] == [True, False, True]


def test_libraries_speak_from_warning_on_and_the_servers_access_log_is_off() -> None:
    lines = configured("DEBUG")
    logging.getLogger("httpx").info("HTTP Request: POST /api/chat")
    logging.getLogger("uvicorn.access").info('127.0.0.1 - "GET /?q=secret"')
    logging.getLogger("uvicorn.error").info("Application startup complete.")
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    logging.getLogger("service.x").debug("detail")
    logging.getLogger("httpx").warning("retrying")

    assert [line["message"] for line in lines.all] == ["Invalid HTTP request received.", "detail", "retrying"]


def test_a_repeating_exporter_is_heard_once() -> None:
    lines = configured()
    for _ in range(5):
        logging.getLogger("opentelemetry.test").warning("Transient error %s", "x")
        logging.getLogger("service.x").warning("ours")

    assert [line["message"] for line in lines.all].count("Transient error x") == 1
    assert [line["message"] for line in lines.all].count("ours") == 5


def test_a_terminal_gets_lines_for_people() -> None:
    lines = configured(terminal=True)
    logging.getLogger("service.x").info("request", extra={"fields": {"route": "/ask", "status": 200}})
    logging.getLogger("service.x").error("failed", exc_info=raised(CANARY))

    first, *rest = lines.getvalue().splitlines()
    assert "INFO" in first and "request  route=/ask  status=200" in first
    assert any("in boom" in line for line in rest)
    assert rest[-1] == "KeyError"
    assert CANARY not in lines.getvalue()


def test_configuring_twice_writes_each_line_once() -> None:
    configured()
    lines = configured()
    logging.getLogger("service.x").info("once")
    assert len(lines.all) == 1


def test_a_broken_stream_loses_the_line_only(capsys: pytest.CaptureFixture[str]) -> None:
    lines = configured()
    lines.close()
    logging.getLogger("service.x").error("nobody hears this %s", CANARY)
    assert CANARY not in capsys.readouterr().err
    assert sys.stderr
