"""An OTLP/HTTP receiver that counts what it is sent, or fails in one of the ways in which Collectors fail."""

import gzip
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

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


class OtlpSink:
    """Listens at `url`. Only spans whose request was acknowledged are in `spans`; `calls` logs what became of each
    request, `holding` counts those that wait for an answer right now. REFUSE means that nobody listens at all.

    `fault` may be changed while it runs, but for REFUSE; `away` is for that.
    """

    def __init__(self, fault: Fault = Fault.NONE, slow_s: float = 0.2) -> None:
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
        self._serve(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1/traces"

    @property
    def names(self) -> list[str]:
        return [span.name for span in self.spans]

    def __enter__(self) -> Self:
        if self.fault is Fault.REFUSE:
            self._server.server_close()
        else:
            self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.release()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join(5)
        self._server.server_close()

    @contextmanager
    def away(self) -> Iterator[None]:
        """Nobody listens for a while, at the same address."""
        address, self.fault = self._server.server_address, Fault.REFUSE
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()
        try:
            yield
        finally:
            self.fault = Fault.NONE
            self._serve(address)
            self._thread.start()

    def release(self) -> None:
        """Let go of every request that is held; from now on nothing is held any more."""
        self._released.set()

    def _serve(self, address: Any) -> None:
        self._server = _Server(self, address)
        self._thread = threading.Thread(target=lambda: self._server.serve_forever(0.02), name="otlp-sink", daemon=True)

    def hold(self, at_most_s: float) -> None:
        with self._lock:
            self.holding += 1
        try:
            self._released.wait(at_most_s)
        finally:
            with self._lock:
                self.holding -= 1

    def seen(self, what: str) -> None:
        with self._lock:
            self.calls.append(what)

    def keep(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        with self._lock:
            self.groups.extend(request.resource_spans)
            for of_resource in request.resource_spans:
                attributes = of_resource.resource.attributes
                self.resources.append({pair.key: pair.value.string_value for pair in attributes})
                for of_scope in of_resource.scope_spans:
                    self.spans.extend(of_scope.spans)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, sink: OtlpSink, address: Any) -> None:
        self.sink = sink
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up waiting is what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def sink(self) -> OtlpSink:
        assert isinstance(self.server, _Server)
        return self.server.sink

    def do_POST(self) -> None:
        fault = self.sink.fault
        self.sink.seen(fault.value)
        # A connection that was kept open is cut when nobody listens any more.
        if fault in {Fault.RESET, Fault.REFUSE}:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers["content-length"]))
        if fault is Fault.BLACK_HOLE:
            self.sink.hold(LONGEST_HOLD_S)
            self.close_connection = True
            return
        if fault is Fault.SLOW:
            self.sink.hold(self.sink.slow_s)
        status = {Fault.UNAVAILABLE: 503, Fault.BAD_REQUEST: 400}.get(fault, 200)
        if status == 200:
            self.sink.keep(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing is printed."""
