"""Tempo, asked for one trace by its id over HTTP.

The answer is read as OTLP's own message, whose fields Tempo's has by the same numbers. Every wait and size is bounded;
what fails is a `ServiceError` that names Tempo's address without its secrets and never repeats what Tempo wrote.
"""

import asyncio
from collections.abc import Iterator, Mapping

import httpx
from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, TracesData

from service.errors import ErrorKind, ServiceError
from service.monitoring.port import Trace, TraceSource, TraceSpan
from service.telemetry.delivery import without_secrets

MAX_SPANS = 2000
_MAX_BYTES = 16 << 20
_CONNECT_S = 1.0
_KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
_STATUSES = ("unset", "ok", "error")


class Tempo:
    """One Tempo at `url`. `close` it at the end."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self.where = without_secrets(url)
        self._timeout_s = timeout_s
        self._http = httpx.AsyncClient(
            base_url=url.rstrip("/"),
            headers={"accept": "application/protobuf"},
            timeout=httpx.Timeout(timeout_s, connect=min(_CONNECT_S, timeout_s)),
            trust_env=False,
            follow_redirects=False,
        )

    async def find(self, trace_id: str) -> Trace | None:
        """The trace, None when Tempo has none of this id. Raises `ServiceError`."""
        try:
            async with asyncio.timeout(self._timeout_s):
                content = await self._get(trace_id)
        except (TimeoutError, httpx.TimeoutException) as error:
            detail = f"Tempo at {self.where} did not answer within {self._timeout_s:g} s; try again"
            raise ServiceError(ErrorKind.TIMEOUT, detail) from error
        except (httpx.HTTPError, OSError, ValueError) as error:
            detail = f"Tempo at {self.where} cannot be reached: start it, or set RAG_TRACES__TEMPO_URL"
            raise ServiceError(ErrorKind.CONNECTION_ERROR, detail) from error
        if not content:
            return None
        try:
            return await asyncio.to_thread(read_trace, trace_id, content)
        except (DecodeError, ValueError) as error:
            raise self._stranger("its answer cannot be read") from error

    async def close(self) -> None:
        """Give the connections back."""
        await self._http.aclose()

    async def _get(self, trace_id: str) -> bytes:
        """Empty when there is none."""
        async with self._http.stream("GET", f"/api/traces/{trace_id}") as reply:
            if reply.status_code == httpx.codes.NOT_FOUND:
                return b""
            if reply.status_code != httpx.codes.OK:
                raise self._stranger(f"it answered {reply.status_code}")
            content = bytearray()
            async for piece in reply.aiter_bytes():
                content += piece
                if len(content) > _MAX_BYTES:
                    raise self._stranger(f"the trace is larger than {_MAX_BYTES >> 20} MiB")
            return bytes(content)

    def _stranger(self, why: str) -> ServiceError:
        detail = f"Tempo at {self.where} did not give the trace: {why}; see RAG_TRACES__TEMPO_URL"
        return ServiceError(ErrorKind.BAD_GATEWAY, detail)


def read_trace(trace_id: str, content: bytes) -> Trace | None:
    """The trace in a protobuf message; None when it holds no span. Raises `DecodeError`, `ValueError`."""
    spans = sorted(_spans(TracesData.FromString(content)), key=lambda span: span.start_time_unix_nano)
    if not spans:
        return None
    start_ns = spans[0].start_time_unix_nano
    end_ns = max(span.end_time_unix_nano for span in spans)
    told = tuple(_told(span, start_ns) for span in spans[:MAX_SPANS])
    return Trace(trace_id, TraceSource.TEMPO, (end_ns - start_ns) / 1e9, told, len(spans) - len(told))


def _spans(data: TracesData) -> Iterator[Span]:
    """Each once, however often it was sent."""
    seen: set[bytes] = set()
    for group in data.resource_spans:
        for scope in group.scope_spans:
            for span in scope.spans:
                if span.span_id not in seen:
                    seen.add(span.span_id)
                    yield span


def _told(span: Span, start_ns: int) -> TraceSpan:
    return TraceSpan(
        name=span.name,
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        start_s=(span.start_time_unix_nano - start_ns) / 1e9,
        duration_s=max(0, span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
        status=_word(_STATUSES, span.status.code),
        kind=_word(_KINDS, span.kind),
        attributes=_attributes(span),
    )


def _attributes(span: Span) -> Mapping[str, object]:
    return {one.key: _value(one.value) for one in span.attributes}


def _value(value: AnyValue) -> object:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    if kind == "kvlist_value":
        return {one.key: _value(one.value) for one in value.kvlist_value.values}
    return value.bytes_value.hex() if kind == "bytes_value" else getattr(value, kind)


def _word(words: tuple[str, ...], number: int) -> str:
    return words[number] if 0 <= number < len(words) else words[0]
