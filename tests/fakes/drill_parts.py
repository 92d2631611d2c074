"""Prometheus, Alertmanager, Ollama and the service as a drill meets them, and an alert that a test breaks and mends."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from service.cli.drill.alertmanager import Alertmanager
from service.cli.drill.prometheus import Prometheus
from service.cli.failures import Failure
from service.errors import ErrorKind
from tests.fakes.http_listener import HttpListener, Request

ENVIRONMENT = "deployment_environment_name"


@dataclass
class FakeAlert:
    """One alert. While it is `broken`, Prometheus says pending when it is first asked, then firing; `stuck` never
    fires. It ends when it is looked at for the second time after the repair."""

    name: str
    labels: dict[str, str]
    annotations: dict[str, str] = field(default_factory=dict)
    query: str = "up == 0"
    broken: bool = False
    stuck: bool = False
    looks: int = 0
    ending: int = 0

    def state(self) -> str:
        if self.broken:
            self.looks += 1
            self.ending = 2
            return "firing" if self.looks > 1 and not self.stuck else "pending"
        return ""

    def fires(self) -> bool:
        if self.broken:
            return self.looks > 1 and not self.stuck
        self.ending -= self.ending > 0
        return self.ending > 0

    @contextmanager
    def fault(self, acting: object) -> Iterator[str]:
        """Broken while the block runs."""
        del acting
        self.broken = True
        try:
            yield "it is broken"
        finally:
            self.broken = False


class FakePrometheus(HttpListener):
    """`values` has the answer of a query by a part of it; `environments` are those of the services that it watches;
    `writes` are the bodies of remote writes, refused when `takes_writes` is not set."""

    def __init__(self, alert: FakeAlert) -> None:
        super().__init__()
        self.alert = alert
        self.values: dict[str, float] = {}
        self.environments = ["development"]
        self.alertmanagers = ["http://127.0.0.1:9/api/v2/alerts"]
        self.writes: list[bytes] = []
        self.takes_writes = True

    def get(self, request: Request) -> None:
        url = urlsplit(request.path)
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        answers = {
            "/api/v1/query": lambda: self._query(asked.get("query", "")),
            "/api/v1/rules": self._rules,
            "/api/v1/alertmanagers": lambda: {"activeAlertmanagers": [{"url": one} for one in self.alertmanagers]},
        }
        _json(request, {"status": "success", "data": answers[url.path]()})

    def post(self, request: Request) -> None:
        self.writes.append(request.body())
        request.reply(204 if self.takes_writes else 404)

    def _query(self, query: str) -> dict[str, Any]:
        if query.startswith("up{"):
            found: list[Any] = [{"metric": {ENVIRONMENT: one}, "value": [0, "1"]} for one in self.environments]
        else:
            found = [{"metric": {}, "value": [0, str(value)]} for part, value in self.values.items() if part in query]
        return {"resultType": "vector", "result": found}

    def _rules(self) -> dict[str, Any]:
        state = self.alert.state()
        rule = {
            "name": self.alert.name,
            "query": self.alert.query,
            "duration": 30,
            "keepFiringFor": 60,
            "annotations": {"summary": "..."},
            "alerts": [{"labels": {"alertname": self.alert.name, **self.alert.labels}, "state": state}]
            if state
            else [],
        }
        return {"groups": [{"rules": [rule]}]}


class FakeAlertmanager(HttpListener):
    """Holds the alert while it fires, and `others`."""

    def __init__(self, alert: FakeAlert) -> None:
        super().__init__()
        self.alert = alert
        self.others: list[dict[str, str]] = []
        self.silenced_by: list[str] = []

    def get(self, request: Request) -> None:
        url = urlsplit(request.path)
        if url.path == "/api/v2/status":
            _json(request, {"cluster": {}})
            return
        wanted = dict(matcher.split("=", 1) for matcher in parse_qs(url.query).get("filter", []))
        wanted = {name: value.strip('"') for name, value in wanted.items()}
        held = [{"alertname": self.alert.name, **self.alert.labels, "severity": "ticket"}] if self.alert.fires() else []
        held += self.others
        _json(request, [self._told(labels) for labels in held if wanted.items() <= labels.items()])

    def _told(self, labels: Mapping[str, str]) -> dict[str, Any]:
        return {
            "labels": labels,
            "annotations": self.alert.annotations,
            "startsAt": "2030-01-01T00:00:00.000Z",
            "receivers": [{"name": "nobody"}, {"name": "webhook"}],
            "status": {"silencedBy": self.silenced_by, "inhibitedBy": []},
        }


class FakeModels(HttpListener):
    """Ollama's interface to its models: `digests` by name, `loaded` names, `calls`. `lies` makes copies that differ."""

    def __init__(self, **digests: str) -> None:
        super().__init__()
        self.digests = {"small:1b": "aaa", "large:7b": "bbb"} | digests
        self.loaded = {"small:1b"}
        self.calls: list[str] = []
        self.lies = False

    def get(self, request: Request) -> None:
        names = self.digests if request.path == "/api/tags" else self.loaded
        _json(request, {"models": [{"name": name, "digest": self.digests.get(name, "")} for name in names]})

    def post(self, request: Request) -> None:
        body = json.loads(request.body())
        if request.path == "/api/copy":
            self.calls.append(f"copy {body['source']} {body['destination']}")
            self.digests[body["destination"]] = "other" if self.lies else self.digests[body["source"]]
            request.reply(200)
        elif request.path == "/api/show":
            _json(request, {"modelfile": f"# as built\nFROM /models/blobs/sha256-{self.digests[body['model']]}\nEND"})
        else:
            self.calls.append(f"unload {body['model']}")
            self.loaded.discard(body["model"])
            _json(request, {"done": True})

    def delete(self, request: Request) -> None:
        name = json.loads(request.body())["model"]
        self.calls.append(f"delete {name}")
        del self.digests[name]
        request.reply(200)


class FakeDrillService:
    """Has the interface of `ServiceClient`. `asked` are the bodies; `fails` raises on every question; it
    `looks` at the models whenever it is asked of them."""

    def __init__(self, environment: str = "development", url: str = "http://127.0.0.1:8002") -> None:
        self.url = url
        self.environment = environment
        self.models = [model("large:7b", 7), model("small:1b", 1), model("absent:1b", 0, installed=False)]
        self.asked: list[dict[str, Any]] = []
        self.cleared = 0
        self.looks, self.looked = True, 0
        self.fails: Failure | None = None
        self.mode = "generated"
        self.events: list[tuple[str, dict[str, Any]]] = []

    def get(self, path: str, **params: object) -> dict[str, Any]:
        if path == "/healthz":
            return {"environment": self.environment}
        self.looked += self.looks
        return {"models": self.models, "polled_at": self.looked}

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(body)
        if self.fails is not None:
            raise self.fails
        return {"mode": self.mode, "model": body["model"] if self.mode == "generated" else None}

    def delete(self, path: str) -> dict[str, Any]:
        self.cleared += 1
        return {"cleared": {}}

    def stream(self, path: str, body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        self.asked.append(body)
        yield from self.events


def model(name: str, size: int, *, installed: bool = True) -> dict[str, Any]:
    """As /monitoring/models tells of it."""
    return {
        "name": name,
        "role": "chat",
        "installed": installed,
        "resident": False,
        "size_bytes": size,
        "slots": 1,
        "max_waiting": 2,
    }


def failed(kind: ErrorKind) -> Failure:
    """What a client raises of a question that was refused."""
    return Failure("It failed", kind=kind)


@dataclass
class Watchers:
    """Prometheus and Alertmanager of one alert, and their clients."""

    alert: FakeAlert
    prometheus: FakePrometheus
    alertmanager: FakeAlertmanager

    @property
    def clients(self) -> tuple[Prometheus, Alertmanager]:
        return Prometheus(self.prometheus.url), Alertmanager(self.alertmanager.url)


@contextmanager
def watching(alert: FakeAlert) -> Iterator[Watchers]:
    """Both, while the test runs."""
    with ExitStack() as parts:
        prometheus = parts.enter_context(FakePrometheus(alert))
        yield Watchers(alert, prometheus, parts.enter_context(FakeAlertmanager(alert)))


def _json(request: Request, content: object) -> None:
    request.reply(200, json.dumps(content).encode(), content_type="application/json")
