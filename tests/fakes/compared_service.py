"""A service as a comparison meets it: says what it is, and answers in a time of the test's choice, or does not."""

import json
from collections import deque
from collections.abc import Callable
from typing import Any

from service.errors import ErrorKind
from tests.fakes.clock import ManualClock
from tests.fakes.http_listener import HttpListener, Request

_JSON = {"content_type": "application/json"}
STATUSES = {ErrorKind.UNAUTHORIZED: 401, ErrorKind.FORBIDDEN: 403, ErrorKind.MODEL_NOT_FOUND: 404}


class ComparedService(HttpListener):
    """`answer` makes the body of POST /ask from the question; `clock` moves by `seconds` of it before. `refusals` are
    used up first, a kind a question; `gone` closes every connection without a word, after `gone_after` questions.

    `about` is GET /healthz, `recent` GET /monitoring/recent. `asked` logs bodies, `keys` what came as a key.
    """

    def __init__(self, clock: ManualClock, answer: Callable[[str], dict[str, Any]]) -> None:
        super().__init__()
        self.clock = clock
        self.answer = answer
        self.seconds: Callable[[str], float] = lambda _: 1.0
        self.about = {"status": "ok", "service": "emini-rag", "version": "0.2.0", "environment": "development"}
        self.recent: list[dict[str, Any]] = []
        self.refusals: deque[ErrorKind] = deque()
        self.gone = False
        self.gone_after: int | None = None
        self.asked: list[dict[str, Any]] = []
        self.keys: set[str] = set()

    def get(self, request: Request) -> None:
        """What it is, and what it remembers."""
        if self._away(request):
            return
        self.keys.add(request.headers.get("authorization", ""))
        told = {"recent": self.recent} if request.path.startswith("/monitoring") else self.about
        request.reply(200, json.dumps(told).encode(), **_JSON)

    def post(self, request: Request) -> None:
        """One answer."""
        body = json.loads(request.body())
        if self.gone_after is not None and len(self.asked) >= self.gone_after:
            self.gone = True
        if self._away(request):
            return
        self.asked.append(body)
        self.clock.advance(self.seconds(body["query"]))
        if self.refusals:
            kind = self.refusals.popleft()
            told = {"kind": kind, "title": "Refused", "detail": "because"}
            request.reply(STATUSES.get(kind, 503), json.dumps(told).encode(), **_JSON)
        else:
            request.reply(200, json.dumps(self.answer(body["query"])).encode(), **_JSON)

    def _away(self, request: Request) -> bool:
        request.close_connection = request.close_connection or self.gone
        return self.gone
