"""A page of metrics as Prometheus scrapes it: says what the test tells it to."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class MetricsPage:
    """Listens on `port` of the loopback address, whatever the path. `text` may be changed while it runs; `calls` counts
    what was asked for."""

    def __init__(self, text: str = "# EOF\n") -> None:
        self.text = text
        self.calls = 0
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.page = self
        self._thread = threading.Thread(
            target=lambda: self._server.serve_forever(0.02), name="metrics-page", daemon=True
        )
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    page: MetricsPage


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, _Server)
        self.server.page.calls += 1
        body = self.server.page.text.encode()
        self.send_response(200)
        self.send_header("content-type", OPENMETRICS)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing is printed."""
