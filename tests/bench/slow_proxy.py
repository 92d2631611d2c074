"""Stands before a model server, makes one model slower by a constant time, and passes the rest on."""

import http.client
import json
import time
from urllib.parse import urlsplit

from tests.fakes.http_listener import HttpListener, Request

_PIECE = 65_536
_ANSWER_S = 120.0
_HOP = {"transfer-encoding", "connection", "content-length", "keep-alive", "date", "server"}


class SlowProxy(HttpListener):
    """Used in `with`. `delays_s`, by model: what a call of /api/chat waits before it is passed on."""

    def __init__(self, upstream: str) -> None:
        super().__init__()
        self._upstream = urlsplit(upstream).netloc
        self.delays_s: dict[str, float] = {}

    def get(self, request: Request) -> None:
        self._pass_on(request, b"")

    def post(self, request: Request) -> None:
        body = request.body()
        if request.path == "/api/chat":
            time.sleep(self.delays_s.get(str(json.loads(body).get("model")), 0.0))
        self._pass_on(request, body)

    delete = get

    def _pass_on(self, request: Request, body: bytes) -> None:
        connection = http.client.HTTPConnection(self._upstream, timeout=_ANSWER_S)
        try:
            headers = {name: value for name, value in request.headers.items() if name.lower() not in {*_HOP, "host"}}
            connection.request(request.command, request.path, body or None, headers)
            reply = connection.getresponse()
            request.send_response(reply.status)
            for name, value in reply.getheaders():
                if name.lower() not in _HOP:
                    request.send_header(name, value)
            request.send_header("transfer-encoding", "chunked")
            request.end_headers()
            while piece := reply.read1(_PIECE):
                request.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            request.wfile.write(b"0\r\n\r\n")
        finally:
            connection.close()
