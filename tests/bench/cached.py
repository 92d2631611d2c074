"""What a cached answer costs, beside the plainest service there can be and beside default instrumentation."""

import json
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.bench.figures import Row, at_least, at_most, median_ratio
from tests.bench.plan import Plan
from tests.bench.processes import EXPORT_OFTEN, EXPORTED_S, cpu_s, helper, run_alone, settle
from tests.bench.stand import Stand, stand

GROUP = "A cached answer"
METHOD = (
    "`POST /ask` for a question whose answer is kept, 16 kept connections, each asking again as soon as it is "
    "answered. *Plain FastAPI* answers the same route with a ready object of the same shape and size, read and written "
    "with pydantic, under the same server (uvicorn, uvloop, httptools, no access log), and does nothing else. *Default "
    "instrumentation* is that app under `FastAPIInstrumentor` as its documentation shows it, sending spans in batches. "
    "Ours has all telemetry on: spans sent to the same receiver, metrics, request log. Compared are requests per "
    "CPU-second of the server process, all threads and the export included, so that the load generator's speed does "
    "not matter; the three take turns. Latency: one request every so often, at half of the rate reached above, counted "
    "from the moment at which it fell due."
)
QUESTION = "What is momentum trading?"
_BODY = json.dumps({"query": QUESTION})
_CONNECTIONS = 16


@dataclass
class _Server:
    port: int
    pid: int
    per_cpu_s: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)


def measure(plan: Plan) -> list[Row]:
    """Rows of this group."""
    folder = plan.part("cached")
    with stand(folder) as standing, _servers(standing, plan) as servers:
        for server in servers.values():
            _load(server, plan.of(3000, 300))
        for turn in range(plan.of(5, 3)):
            plan.say(f"cached answers, round {turn + 1}")
            for server in servers.values():
                _round(server, plan.of(4000, 1000))
        late = {name: _paced(server, plan) for name, server in servers.items()}
        delivered = _delivered(standing)
    return _rows(servers, late, delivered)


@contextmanager
def _servers(standing: Stand, plan: Plan) -> Iterator[dict[str, _Server]]:
    folder = plan.part("cached")
    service = standing.service
    service.ask(QUESTION)
    answer = service.ask(QUESTION)
    assert answer["cache"]["result"] == "hit" and answer["mode"] == "generated", answer
    kept = folder / "answer.json"
    kept.write_text(json.dumps(answer))
    with (
        helper("bare_app", folder, str(kept)) as plain,
        helper("bare_app", folder, str(kept), standing.sink.url, environment=EXPORT_OFTEN) as default,
    ):
        yield {
            "plain": _Server(plain.port, plain.pid),
            "ours": _Server(service.port, service.pid),
            "default": _Server(default.port, default.pid),
        }


def _load(server: _Server, requests: int) -> dict[str, Any]:
    report = run_alone(
        "load", mode="closed", port=server.port, path="/ask", body=_BODY, connections=_CONNECTIONS, requests=requests
    )
    assert report["statuses"] == {"200": requests}, report["statuses"]
    return report


def _round(server: _Server, requests: int) -> None:
    before = cpu_s(server.pid)
    report = _load(server, requests)
    settle(EXPORTED_S)
    server.per_cpu_s.append(requests / (cpu_s(server.pid) - before))
    server.rates.append(requests / report["wall_s"])


def _paced(server: _Server, plan: Plan) -> list[tuple[float, float]]:
    """(p50, p99) in ms of some rounds."""
    rate = statistics.median(server.rates) / 2
    found = []
    for turn in range(plan.of(3, 2)):
        plan.say(f"latency at {rate:,.0f} requests/s, round {turn + 1}")
        report = run_alone(
            "load",
            mode="paced",
            port=server.port,
            path="/ask",
            body=_BODY,
            connections=_CONNECTIONS,
            requests=round(rate * plan.of(4, 1)),
            rate=rate,
        )
        found.append((report["p50_s"] * 1e3, report["p99_s"] * 1e3))
    return found


def _delivered(standing: Stand) -> float:
    """Share of ended spans that the receiver has acknowledged, in percent."""
    settle(EXPORTED_S)
    service = standing.service
    ended = service.value("rag_trace_spans_ended_total")
    return 100 * service.value("rag_trace_spans_total", result="delivered") / ended


def _rows(servers: dict[str, _Server], late: dict[str, list[tuple[float, float]]], delivered: float) -> list[Row]:
    ours, plain, default = servers["ours"], servers["plain"], servers["default"]

    def row(what: str, value: float, unit: str, **more: Any) -> Row:
        return Row(GROUP, what, value, unit, **more)

    def best(one: _Server, other: _Server) -> float:
        return max(one.per_cpu_s) / max(other.per_cpu_s)

    def p99s(name: str) -> list[float]:
        return [p99 for _, p99 in late[name]]

    p50 = statistics.median(p50 for p50, _ in late["ours"])

    return [
        row(
            "requests per CPU-second beside plain FastAPI",
            100 * median_ratio(ours.per_cpu_s, plain.per_cpu_s),
            "%",
            bar=at_least(60),
            note=f"best round of each: {100 * best(ours, plain):.0f} %",
        ),
        row(
            "requests per CPU-second beside default instrumentation",
            median_ratio(ours.per_cpu_s, default.per_cpu_s),
            "x",
            bar=at_least(2),
            note=f"best round of each: {best(ours, default):.2f} x",
        ),
        *(
            row(f"{name}: requests per CPU-second", statistics.median(one.per_cpu_s), "", note=_best(one))
            for name, one in (("ours", ours), ("plain FastAPI", plain), ("default instrumentation", default))
        ),
        row(
            "p99 at half load",
            statistics.median(p99s("ours")),
            "ms",
            bar=at_most(10),
            note=f"p50 {p50:.2f} ms; best round {min(p99s('ours')):.2f} ms",
        ),
        *(
            row(f"{text}: p99 at half of its own load", statistics.median(p99s(name)), "ms")
            for name, text in (("plain", "plain FastAPI"), ("default", "default instrumentation"))
        ),
        row(
            "spans acknowledged by the receiver",
            delivered,
            "%",
            note="the rest was given up, because requests never wait",
        ),
    ]


def _best(server: _Server) -> str:
    return f"best round {max(server.per_cpu_s):,.0f}; {statistics.median(server.rates):,.0f} requests/s"
