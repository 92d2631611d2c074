"""What counts as an answer of a loaded model, and what Prometheus is asked."""

import json
from typing import Any

from ops.checkpoint.live_service import LiveService
from ops.rollout.evidence import QUOTED, Collected, Past, Seen, Usual, seen_in
from ops.stack.process import free_port
from prometheus.thresholds import load
from service.cli.client import ServiceClient
from tests.fakes.http_listener import HttpListener, Request
from tests.fakes.stub_server import Stub

LIMITS = load()


def record(at: float, **fields: Any) -> dict[str, Any]:
    usual = {"duration_s": 1.0, "outcome": "ok", "model": "small", "mode": "generated", "cache": "miss", "cold": False}
    return {"at": at, "trace_id": f"t{at}"} | usual | fields


def test_only_answers_that_a_loaded_model_made_have_a_time() -> None:
    found = seen_in(
        [
            record(1),
            record(2, cache="hit"),
            record(3, cold=True),
            record(4, outcome="error", model=None),
            record(5, outcome="rejected", model=None),
            record(6, outcome="cancelled"),
            record(7, model=None, mode="extractive", outcome="degraded", duration_s=0.1),
            record(8, model=None, mode="no_context", outcome="no_context"),
        ]
    )
    assert (found.asked, found.failed) == (7, 1)
    assert found.times == {"small": [1.0], QUOTED: [0.1]}
    assert found.share == 1 / 7
    assert Seen().share == 0.0
    assert Seen.of(json.loads(json.dumps({"asked": 7, "failed": 1, "times": found.times}))) == found


def test_records_are_gathered_over_looks_and_each_counts_once() -> None:
    with Stub() as stub, ServiceClient(stub.url) as client:
        collected = Collected(since=2.0)
        for told in ([record(1), record(2)], [record(2), record(3), record(4)]):
            stub.content = json.dumps({"recent": told}).encode()
            collected.look(LiveService(client))
    assert collected.seen().asked == 3
    assert stub.seen[0][1] == "/monitoring/recent?count=1000"


class FakePrometheus(HttpListener):
    """Answers a query with the values whose key is in it."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, list[tuple[dict[str, str], float]]] = {}
        self.queries: list[str] = []

    def get(self, request: Request) -> None:
        from urllib.parse import parse_qs, urlsplit

        query = parse_qs(urlsplit(request.path).query)["query"][0]
        self.queries.append(query)
        found = next((values for key, values in self.values.items() if key in query), [])
        result = [{"metric": labels, "value": [0, str(value)]} for labels, value in found]
        request.reply(200, json.dumps({"data": {"result": result}}).encode(), **{"content-type": "application/json"})


def labels(model: str, environment: str = "production") -> dict[str, str]:
    return {"gen_ai_request_model": model, "deployment_environment_name": environment}


def test_the_usual_of_models_with_enough_of_a_past() -> None:
    enough = LIMITS.normal.min_points
    with FakePrometheus() as fake:
        fake.values = {
            ":points_7d": [(labels("small"), enough), (labels("new"), enough - 1), (labels("small", "development"), 1)],
            ":median_7d": [(labels("small"), 2.0), (labels("new"), 3.0), (labels("small", "development"), 9.0)],
            ":spread_7d": [(labels("small"), 0.2), (labels("new"), 0.2)],
            f"count_{LIMITS.regression.windows[0]}:mean_7d": [(labels("small"), 30.0)],
            "ALERTS": [({"alertname": "RagDown"}, 1.0)],
        }
        past = Past(fake.url, "production", LIMITS)
        assert past.usual() == {"small": Usual(2.0, 0.2, 30.0)}
        assert past.firing() == {"RagDown"}
    assert 'severity="page",deployment_environment_name="production"' in fake.queries[-1]


def test_without_prometheus_there_is_no_past() -> None:
    past = Past(f"http://127.0.0.1:{free_port()}", "production", LIMITS)
    assert (past.usual(), past.firing()) == ({}, set())
    with Stub() as stub:
        stub.content = b"[]"
        assert Past(stub.url, "production", LIMITS).usual() == {}
