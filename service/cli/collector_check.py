"""What `doctor` says of where traces go: that spans would be taken there, or what is at that address instead.

It sends an OTLP request without a span, as the service would send it, but with no credentials. Never more than a
warning: answers do not depend on it.
"""

import os
from urllib.parse import urlsplit

import httpx

from service.cli.finding import Finding, State
from service.settings import Settings
from service.telemetry.delivery import without_secrets

_TIMEOUT_S = 1.5
_COMMON, _OWN = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
_PATH = "/v1/traces"
_LOST = "until then traces are lost, answers are not"


async def collector(settings: Settings) -> list[Finding]:
    """One finding."""
    url = settings.traces_url
    if not url:
        return [Finding("Collector", State.INFO, "none configured: traces stay in the service")]
    variable = _OWN if settings.otlp_traces_endpoint else _COMMON
    state, seen, todo = await _look(url, variable)
    return [Finding("Collector", state, seen, todo)]


async def _look(url: str, variable: str) -> tuple[State, str, str]:
    example = f"http://127.0.0.1:4318{_PATH if variable == _OWN else ''}"
    correct = f"Correct {variable}: it must look like {example}; {_LOST}."
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
            raise ValueError
    except ValueError:
        return State.WARNING, "its address is none for OTLP over HTTP", correct
    # Whoever writes a password into the address does not want to see it here.
    where = without_secrets(url)
    try:
        # Only whether something answers is looked at, so a certificate of one's own is as good as any.
        async with httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False, verify=False) as client:  # noqa: S501
            reply = await client.post(url, content=b"", headers={"content-type": "application/x-protobuf"})
    except httpx.RemoteProtocolError:
        other = "4318 is OTLP over HTTP, 4317 is gRPC"
        return State.WARNING, f"{where} does not speak HTTP", f"Name the other port with {variable} ({other}); {_LOST}."
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return State.WARNING, f"{where} does not answer ({_reason(error)})", _start(error, variable)
    return _judged(reply, where, variable, correct)


def _judged(reply: httpx.Response, where: str, variable: str, correct: str) -> tuple[State, str, str]:
    status, kind = reply.status_code, reply.headers.get("content-type", "")
    if reply.is_success and (kind.startswith("application/x-protobuf") or not reply.content):
        return State.OK, f"{where} takes traces", ""
    if status in (401, 403):
        todo = "OTEL_EXPORTER_OTLP_HEADERS must hold its credentials; this look sends none."
        return State.INFO, f"{where} asks for credentials", todo
    if status in (429, 502, 503, 504):
        return State.WARNING, f"{where} takes nothing now (status {status})", f"See the Collector's log; {_LOST}."
    if variable == _COMMON and where.endswith(2 * _PATH):
        return State.WARNING, f"{where} is not there", f"Leave {_PATH} out of {variable}: it is added; {_LOST}."
    return State.WARNING, f"what answers at {where} takes no traces (status {status})", correct


def _start(error: Exception, variable: str) -> str:
    if "SSL" in str(error):
        return f"Write http:// in {variable}, or give the Collector a certificate; {_LOST}."
    return f"Start it, correct {variable}, or unset it; {_LOST}."


def _reason(error: BaseException) -> str:
    """The system's words, which the client wraps into others."""
    if isinstance(error, httpx.TimeoutException):
        return "no reply in time"
    at: BaseException | None = error
    while at is not None:
        if isinstance(at, OSError) and at.errno:
            return (os.strerror(at.errno) if at.errno > 0 else str(at.strerror)).lower()
        at = at.__cause__ or at.__context__
    return str(error).lower() or type(error).__name__
