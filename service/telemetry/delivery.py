"""What the log says of the way to the Collector: once that it is lost and why, once that it is back.

OpenTelemetry writes a line or two for every batch that fails, and again for every few spans that find the queue full,
for as long as the Collector is away. Here they are only the reason, and go no further. Losses are counted elsewhere.
"""

import logging
import re
from urllib.parse import urlsplit

from service.clock import Clock
from service.telemetry.catalogue import TRACE_SPANS

_log = logging.getLogger(__name__)
_SENDER, _QUEUE = "opentelemetry.exporter.otlp.proto.http.trace_exporter", "opentelemetry.sdk._shared_internal"
# What is wrong with a batch and not with the Collector; heard as it is.
_OWN_FAULTS = ("Failed to encode", "Dropping span batch")
# A Collector that comes and goes is told of once in this time.
_SETTLED_S = 60.0
_FULL_EVERY_S = 600.0
# The system's own words, from the many layers of a client's error.
_SYSTEM = re.compile(r"\[Errno -?\d+\] ([^'\")]+)|\(\d+, '(?:\[[^]]+\] )?([^'(]+)")


class Delivery(logging.Filter):
    """Is told what became of each batch. `where` is the Collector's address, for the log. Detach it at the end."""

    def __init__(self, where: str, clock: Clock) -> None:
        super().__init__()
        self._collector = f"the Collector at {where}" if where else "the Collector"
        self._clock = clock
        self._taking: bool | None = None
        self._lost_at: float | None = None
        self._quiet_until = self._full_quiet_until = clock.monotonic()
        self._reason = ""
        self._own_fault = False
        for name in (_SENDER, _QUEUE):
            logging.getLogger(name).addFilter(self)

    def detach(self) -> None:
        """From now on OpenTelemetry speaks for itself."""
        for name in (_SENDER, _QUEUE):
            logging.getLogger(name).removeFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep the record from the log, but for what the Collector has no part in."""
        if record.name == _QUEUE and record.levelno < logging.ERROR:
            self._full()
            return False
        if record.name != _SENDER or record.msg.startswith(_OWN_FAULTS):
            self._own_fault = record.name == _SENDER
            return True
        self._reason = reason_of(record) or self._reason
        return False

    def succeeded(self) -> None:
        """A batch was taken."""
        self._taking, self._reason = True, ""
        if self._lost_at is not None:
            now = self._clock.monotonic()
            _log.info("%s takes traces again, after %.0f s", self._collector, now - self._lost_at)
            self._lost_at, self._quiet_until = None, now + _SETTLED_S

    def failed(self, reason: str = "") -> None:
        """A batch was given up."""
        own_fault, self._own_fault = self._own_fault, False
        if own_fault:
            return
        self._taking = False
        now = self._clock.monotonic()
        if self._lost_at is None and now >= self._quiet_until:
            self._lost_at = now
            _log.warning(
                "%s takes no traces (%s): they are lost, and counted in %s; answers are not affected. Start it, or "
                "correct or unset OTEL_EXPORTER_OTLP_ENDPOINT; `emini-rag doctor` says more",
                self._collector,
                self._reason or reason or "not reached, or no answer in time",
                TRACE_SPANS.name,
            )

    def _full(self) -> None:
        now = self._clock.monotonic()
        if self._taking and now >= self._full_quiet_until:
            self._full_quiet_until = now + _FULL_EVERY_S
            _log.warning(
                "spans end faster than %s takes them: the oldest are lost, and counted; OTEL_BSP_MAX_QUEUE_SIZE and "
                "OTEL_BSP_MAX_EXPORT_BATCH_SIZE give them more room",
                self._collector,
            )


def without_secrets(url: str) -> str:
    """An address that may be told: scheme, host, port and path. Nothing of one that cannot be read."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if parts.netloc else ""


def reason_of(record: logging.LogRecord) -> str:
    """Why a batch failed, in a few words, from the exporter's own record of it; empty when it does not say."""
    given = record.args if isinstance(record.args, tuple) else ()
    if record.msg.startswith("Transient error"):
        return _words(given[0])
    if "reason" in record.msg and len(given) == 3:
        _, status, why = given
        return f"status {status}, {_words(why)}" if status else _words(why)
    return ""


def _words(why: object) -> str:
    text = str(why)
    if not isinstance(why, Exception):
        return text
    if found := _SYSTEM.findall(text):
        return str(found[-1][0] or found[-1][1]).strip().lower()
    return "no answer in time" if "timed out" in text else type(why).__name__
