"""Logging is global: what a test configures is taken back at its end."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from service.telemetry.logs import LogHandler

_TOUCHED = ("service", "ops", "uvicorn", "uvicorn.error", "uvicorn.access", "py.warnings")


@contextmanager
def restored_logging() -> Iterator[None]:
    """Levels, handlers and switches as they were before."""
    root = logging.getLogger()
    loggers = [root, *map(logging.getLogger, _TOUCHED)]
    before = [(one, one.level, list(one.handlers), one.propagate, one.disabled) for one in loggers]
    try:
        yield
    finally:
        logging.captureWarnings(False)
        for one, level, handlers, propagate, disabled in before:
            one.setLevel(level)
            one.propagate, one.disabled = propagate, disabled
            one.handlers = [handler for handler in handlers if not isinstance(handler, LogHandler)]
