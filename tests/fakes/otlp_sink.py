"""An OTLP/HTTP receiver that counts what it is sent, or fails in one of the ways in which Collectors fail."""

import gzip
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from tests.fakes.http_listener import HttpListener, Request

LONGEST_HOLD_S = 30.0


class Fault(StrEnum):
    """What the sink does to a request."""

    NONE = "none"
    REFUSE = "refuse"
    BLACK_HOLE = "black_hole"
    UNAVAILABLE = "unavailable"
    BAD_REQUEST = "bad_request"
    RESET = "reset"
    SLOW = "slow"


class OtlpSink(HttpListener):
    """Listens at `url`. Only spans whose request was acknowledged are in `spans`; `calls` logs what became of each
    request, `holding` counts those that wait for an answer right now. REFUSE means that nobody listens at all.

    `fault` may be changed while it runs, but for REFUSE; `away` is for that.
    """

    def __init__(self, fault: Fault = Fault.NONE, slow_s: float = 0.2) -> None:
        super().__init__()
        self.fault = fault
        self.slow_s = slow_s
        self.spans: list[Span] = []
        # The same with what they were sent in, for those who ask who sent them.
        self.groups: list[ResourceSpans] = []
        self.resources: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.holding = 0
        self._lock = threading.Lock()
        self._released = threading.Event()
        self.url = f"http://127.0.0.1:{self.port}/v1/traces"

    @property
    def names(self) -> list[str]:
        return [span.name for span in self.spans]

    def __enter__(self) -> Self:
        if self.fault is Fault.REFUSE:
            self.stop()
            return self
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        self.release()
        super().__exit__(*error)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Nobody listens for a while, at the same address."""
        self.fault = Fault.REFUSE
        self.stop()
        try:
            yield
        finally:
            self.fault = Fault.NONE
            self.restart()

    def release(self) -> None:
        """Let go of every request that is held; from now on nothing is held any more."""
        self._released.set()

    def post(self, request: Request) -> None:
        fault = self.fault
        self._log(fault.value)
        # A connection that was kept open is cut when nobody listens any more.
        if fault in {Fault.RESET, Fault.REFUSE}:
            request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            request.connection.close()
            request.close_connection = True
            return
        body = request.body()
        if fault is Fault.BLACK_HOLE:
            self._hold(LONGEST_HOLD_S)
            request.close_connection = True
            return
        if fault is Fault.SLOW:
            self._hold(self.slow_s)
        status = {Fault.UNAVAILABLE: 503, Fault.BAD_REQUEST: 400}.get(fault, 200)
        if status == 200:
            self._keep(gzip.decompress(body) if request.headers.get("content-encoding") == "gzip" else body)
        request.reply(status)

    def _hold(self, at_most_s: float) -> None:
        with self._lock:
            self.holding += 1
        try:
            self._released.wait(at_most_s)
        finally:
            with self._lock:
                self.holding -= 1

    def _log(self, what: str) -> None:
        with self._lock:
            self.calls.append(what)

    def _keep(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        with self._lock:
            self.groups.extend(request.resource_spans)
            for of_resource in request.resource_spans:
                attributes = of_resource.resource.attributes
                self.resources.append({pair.key: pair.value.string_value for pair in attributes})
                for of_scope in of_resource.scope_spans:
                    self.spans.extend(of_scope.spans)
