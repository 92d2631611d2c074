"""The queries of dashboards, asked as Grafana would: variables and macros put in, over the dashboard's time or now."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from tests.dashboards.boards import Board, Panel, Target
from tests.dashboards.promql import filled

REQUEST_S = 20.0
_SINCE_S = 300
_STEP_S = 5


@dataclass(frozen=True)
class Answer:
    """What one target got: how many series, and how many of them hold a number that can be drawn."""

    board: str
    panel: str
    ref: str
    query: str
    series: int
    finite: int
    error: str = ""

    @property
    def shows(self) -> bool:
        return self.finite > 0 and not self.error

    @property
    def where(self) -> str:
        return f"{self.board} / {self.panel} / {self.ref}"


def values_of(board: Board, chosen: Mapping[str, str]) -> dict[str, str]:
    """A value of every variable of a dashboard: as chosen, else as it is opened with."""
    found = {}
    for name, variable in board.variables.items():
        value = variable["current"]["value"]
        value = value[0] if isinstance(value, list) else value
        found[name] = chosen.get(name, ".*" if value == "$__all" else str(value))
    return found


def ask(urls: Mapping[str, str], board: Board, panel: Panel, target: Target, chosen: Mapping[str, str]) -> Answer:
    """Execute one PromQL target; `urls` are of the Prometheus behind each variable for a data source."""
    query = filled(target.expr, values_of(board, chosen))
    url = urls[target.source["uid"]]
    now = time.time()
    if target.raw.get("range"):
        path, when = "query_range", {"start": now - _SINCE_S, "end": now, "step": _STEP_S}
    else:
        path, when = "query", {"time": now}
    reply = httpx.post(f"{url}/api/v1/{path}", data={"query": query, **when}, timeout=REQUEST_S, trust_env=False)
    answer = reply.json()
    if answer["status"] != "success":
        return Answer(board.name, panel.title, target.ref, query, 0, 0, str(answer.get("error")))
    result = answer["data"]["result"]
    values = [[float(value) for _, value in one.get("values", [one.get("value")])] for one in result]
    finite = sum(any(math.isfinite(value) for value in series) for series in values)
    return Answer(board.name, panel.title, target.ref, query, len(result), finite)


def ask_grafana(grafana: httpx.Client, board: Board, panel: Panel, target: Target, chosen: Mapping[str, str]) -> Answer:
    """The same through Grafana, which puts in no variables of a dashboard: that is the browser's work."""
    text = target.expr or target.query
    query = filled(text, values_of(board, chosen))
    model = {**target.raw, "expr" if target.expr else "query": query}
    model["datasource"] = {"type": target.source["type"], "uid": target.source["type"]}
    body = {"queries": [{**model, "maxDataPoints": 100, "intervalMs": 15000}], "from": "now-5m", "to": "now"}
    reply = grafana.post("/api/ds/query", json=body)
    # A page can be answered with status 200 and nothing in it.
    result = reply.json().get("results", {}).get(target.ref, {}) if reply.content else {}
    if reply.status_code != 200 or "error" in result or "frames" not in result:
        return Answer(board.name, panel.title, target.ref, query, 0, 0, f"{reply.status_code} {reply.text[:300]}")
    columns = [frame["data"]["values"] for frame in result["frames"]]
    return Answer(
        board.name, panel.title, target.ref, query, len(columns), sum(bool(one and one[0]) for one in columns)
    )
