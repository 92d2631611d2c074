"""An HTTP server of a few lines that runs beside the test, in threads, on the loopback address."""

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class Request(BaseHTTPRequestHandler):
    """One request, given to the listener's method of its name."""

    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_GET(self) -> None:
        self.server.listener.get(self)

    def do_POST(self) -> None:
        self.server.listener.post(self)

    def do_DELETE(self) -> None:
        self.server.listener.delete(self)

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers["content-length"]))

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        """`content_type="text/plain"` is the header `content-type`."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing is printed."""


class HttpListener:
    """Has its `port` from the beginning (0: a free one), and answers within `with`. What a fake does not answer is a
    501."""

    def __init__(self, port: int = 0) -> None:
        self._bind(port)
        self.port = int(self._server.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def get(self, request: Request) -> None:
        """Answer a GET. Each request has a thread of its own."""
        request.send_error(501)

    def post(self, request: Request) -> None:
        """Answer a POST."""
        request.send_error(501)

    def delete(self, request: Request) -> None:
        """Answer a DELETE."""
        request.send_error(501)

    def stop(self) -> None:
        """Nobody listens any more. Can be called at any time, and again."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join(5)
        self._server.server_close()

    def restart(self) -> None:
        """After `stop`: at the same address."""
        self._bind(self.port)
        self._thread.start()

    def _bind(self, port: int) -> None:
        self._server = _Server(self, port)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name=type(self).__name__, daemon=True
        )


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, listener: HttpListener, port: int) -> None:
        self.listener = listener
        super().__init__(("127.0.0.1", port), Request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up waiting is no failure of the fake."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)
