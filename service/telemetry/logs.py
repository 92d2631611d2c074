"""Logs: one JSON line per event on a stream (in production stdout), joined to traces by their ids.

On a terminal the lines are short and readable instead. `LOG_LEVEL` is for this service's own loggers; libraries speak
from WARNING on, because at DEBUG they print prompts, documents and keys. An exception is told once, with the places it
went through; its message only where it cannot hold content (a dependency's failure, the operating system's own words),
or at DEBUG. A failing stream loses lines, and never a request.
"""

import json
import logging
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

from opentelemetry.trace import format_span_id, format_trace_id, get_current_span

from service.errors import DependencyError

# A fault of its own it may tell with every span or batch. Of an absent Collector `delivery.py` tells.
_REPEAT_S = 60.0
_REPEATING = "opentelemetry"
_OURS = ("service", "ops")
_TOLD = "_told_in_log"


class LogHandler(logging.StreamHandler[TextIO]):
    """The one handler, on the root logger."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """The stream is gone or full; there is nowhere to say so."""


class _Calm(logging.Filter):
    """Lets the same message of a repeating logger through once a minute."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(_REPEATING):
            return True
        key = f"{record.name} {record.msg}"
        if record.created - self._last.get(key, 0.0) < _REPEAT_S:
            return False
        self._last = {**{k: at for k, at in self._last.items() if record.created - at < _REPEAT_S}, key: record.created}
        return True


class _Once(logging.Filter):
    """Drops the traceback of an exception that was logged before; the server's own repetition goes altogether."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            return True
        if getattr(error, _TOLD, False):
            record.exc_info = None
            return not record.name.startswith("uvicorn")
        mark_told(error)
        return True


def mark_told(error: BaseException) -> None:
    """From now on this exception is known to the log."""
    setattr(error, _TOLD, True)


class JsonLines(logging.Formatter):
    """One JSON object per line, in ASCII. `fields` given as `extra` become members."""

    def __init__(self, service: str, environment: str, *, with_messages: bool = False) -> None:
        super().__init__()
        self._who = {"service.name": service, "environment": environment}
        self._with_messages = with_messages

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _rfc3339(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_trace(record),
            **self._who,
            **_fields(record),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line |= _exception(record.exc_info[1], self._with_messages)
        return json.dumps(line, default=str)


class PlainLines(logging.Formatter):
    """For people at a terminal: time, level, message, and the fields behind it."""

    def __init__(self, *, with_messages: bool = False) -> None:
        super().__init__()
        self._with_messages = with_messages

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created).astimezone()
        known = _fields(record)
        if trace := _trace(record):
            known["trace_id"] = trace["trace_id"]
        pairs = "".join(f"  {name}={value}" for name, value in known.items())
        line = f"{at:%H:%M:%S} {record.levelname:<7} {record.getMessage()}{pairs}"
        if record.exc_info and record.exc_info[1] is not None:
            told = _exception(record.exc_info[1], self._with_messages)
            said = f": {told['exception.message']}" if "exception.message" in told else ""
            line += f"\n{told['exception.stacktrace']}{told['exception.type']}{said}"
        return line


def configure_logging(
    level: str, service: str, environment: str, stream: TextIO, *, plain: bool | None = None
) -> LogHandler:
    """Send every log through one handler to `stream`; `plain` None = readable lines when it is a terminal.

    Calling it again replaces the handler. uvicorn must be started with `log_config=None` to be heard through it.
    """
    with_messages = level == "DEBUG"
    as_plain = stream.isatty() if plain is None else plain
    handler = LogHandler(stream)
    handler.setFormatter(
        PlainLines(with_messages=with_messages)
        if as_plain
        else JsonLines(service, environment, with_messages=with_messages)
    )
    handler.addFilter(_Calm())
    handler.addFilter(_Once())
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old, LogHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name in _OURS:
        logging.getLogger(name).setLevel(level)
    _adopt_uvicorn()
    logging.captureWarnings(True)
    return handler


def _adopt_uvicorn() -> None:
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = name != "uvicorn.access"
        # Its coming and going is told by us, once and in words.
        logger.setLevel(logging.WARNING)
    # One line per request is written by the middleware, which knows route, cache and trace.
    logging.getLogger("uvicorn.access").disabled = True


def _rfc3339(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _trace(record: logging.LogRecord) -> dict[str, str]:
    """Ids of the span the event happened in; a record may bring its own, when its span is no longer the current one."""
    context = getattr(record, "span_context", None) or get_current_span().get_span_context()
    if not context.is_valid:
        return {}
    return {
        "trace_id": format_trace_id(context.trace_id),
        "span_id": format_span_id(context.span_id),
        "trace_flags": f"{context.trace_flags:02x}",
    }


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    fields = getattr(record, "fields", None)
    return dict(fields) if isinstance(fields, Mapping) else {}


def _exception(error: BaseException, with_message: bool) -> dict[str, str]:
    """Type and places of the exception and of what caused it. Source lines are ours, so they hold no content."""
    told = {"exception.type": _type(error), "exception.stacktrace": _places(error)}
    message = str(error) if with_message else safe_message(error)
    return told | ({"exception.message": message} if message else {})


def safe_message(error: BaseException) -> str:
    """The part of an exception's message that cannot hold a question, a document or a key; "" when there is none."""
    if isinstance(error, DependencyError):
        return error.detail
    return (error.strerror or "") if isinstance(error, OSError) else ""


def _type(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _places(error: BaseException) -> str:
    """The traceback, oldest cause first, with types in place of messages."""
    chain: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in chain:
        chain.append(at)
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
    parts = []
    for one in reversed(chain):
        heading = "" if one is error else f"{_type(one)}\n\nwhich led to\n\n"
        parts.append("".join(traceback.format_tb(one.__traceback__)) + heading)
    return "".join(parts)
