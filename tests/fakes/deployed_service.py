"""A service as a deploy sees it: what it answers is what the test says, and it remembers what it was asked."""

import json
import threading
from typing import Any

from tests.fakes.http_listener import HttpListener, Request


class FakeDeployedService(HttpListener):
    """`took_s` is what it notes as the time of each answer, `mode` how it answers; `broken` names paths that fail, and
    `unready` what it is not ready for want of."""

    def __init__(self) -> None:
        super().__init__()
        self.took_s = 0.5
        self.mode = "generated"
        self.broken: set[str] = set()
        self.unready = ""
        self.away: set[str] = set()
        self.documents = ["d1", "d2"]
        self.found = [["c1"], ["c2"]]
        self.content = "An answer."
        self.at = 100.0
        self.records: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self._lock = threading.Lock()

    def get(self, request: Request) -> None:
        path = request.path.partition("?")[0]
        if path == "/readyz":
            names = {"sqlite": True, "ollama": False}
            told = [
                {"name": name, "ok": name not in {self.unready, *self.away}, "required": required}
                for name, required in names.items()
            ]
            status = "not_ready" if self.unready else "ready"
            self._say(request, 503 if self.unready else 200, {"status": status, "dependencies": told})
        elif self._fails(request, path):
            return
        elif path == "/documents":
            self._say(request, 200, {"documents": [{"id": one} for one in self.documents]})
        elif path == "/monitoring/recent":
            with self._lock:
                self._say(request, 200, {"recent": list(self.records)})

    def post(self, request: Request) -> None:
        body = json.loads(request.body())
        if request.path == "/ask":
            with self._lock:
                self.asked.append(body["query"])
                outcome = "error" if "/ask" in self.broken else "ok"
                self.records.append(
                    {
                        "at": self.at + len(self.records) / 1000,
                        "trace_id": str(len(self.records)),
                        "duration_s": self.took_s,
                        "outcome": outcome,
                        "model": None if outcome == "error" else "small",
                        "mode": self.mode,
                        "cache": "bypass",
                        "cold": False,
                    }
                )
        if self._fails(request, request.path):
            return
        if request.path == "/ask":
            self._say(request, 200, {"answer": self.content, "mode": self.mode})
        elif request.path == "/checkpoint/search":
            self._say(request, 200, {"found": self.found})
        elif request.path == "/v1/chat/completions":
            self._say(request, 200, {"choices": [{"message": {"content": self.content}}]})

    def _fails(self, request: Request, path: str) -> bool:
        if path in self.broken:
            self._say(request, 500, {"title": "It is broken", "kind": "server_error", "detail": path})
        elif f"no {path}" in self.broken:
            self._say(request, 404, {"title": "Not there", "kind": "not_found", "detail": path})
        else:
            return False
        return True

    def _say(self, request: Request, status: int, told: dict[str, Any]) -> None:
        request.reply(status, json.dumps(told).encode(), **{"content-type": "application/json"})
