"""The queries of dashboards, asked as Grafana would: variables and macros put in, over the dashboard's time or now.

Of Prometheus and Tempo themselves, and through Grafana's own query API where there is one.
"""

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from tests.components.trace_store import TempoStore
from tests.dashboards.boards import Board, Panel, Target
from tests.dashboards.promql import filled

REQUEST_S = 20.0
_SINCE_S = 300
_STEP_S = 5
_ENVIRONMENT = "deployment_environment_name"
# The variable of the second Prometheus, on the dashboard that compares environments.
OTHER = "${other}"


@dataclass(frozen=True)
class Answer:
    """What one target got: how many series, how many of them hold a number that can be drawn, the largest of these
    numbers, and the environments they are of."""

    board: str
    panel: str
    ref: str
    query: str
    series: int
    finite: int
    error: str = ""
    environments: frozenset[str] = frozenset()
    largest: float = math.nan

    @property
    def shows(self) -> bool:
        return self.finite > 0 and not self.error

    @property
    def where(self) -> str:
        return f"{self.board} / {self.panel} / {self.ref}"


def targets(boards: list[Board], source: str) -> Iterator[tuple[Board, Panel, Target]]:
    """Every target that asks this kind of data source."""
    for board in boards:
        for panel in board.panels:
            for target in panel.targets:
                if target.source["type"] == source:
                    yield board, panel, target


def values_of(board: Board, chosen: Mapping[str, str]) -> dict[str, str]:
    """A value of every variable of a dashboard: as chosen, else as it is opened with."""
    found = {}
    for name, variable in board.variables.items():
        value = variable["current"]["value"]
        value = value[0] if isinstance(value, list) else value
        found[name] = chosen.get(name, ".*" if value == "$__all" else str(value))
    return found


def ask(url: str, board: Board, panel: Panel, target: Target, chosen: Mapping[str, str]) -> Answer:
    """Execute one PromQL target against the Prometheus at `url`."""
    query = filled(target.expr, values_of(board, chosen))
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
    numbers = [(one["metric"], _finite(one.get("values", [one.get("value")]))) for one in result]
    shown = [(labels, values) for labels, values in numbers if values]
    environments = frozenset(labels.get(_ENVIRONMENT, "") for labels, _ in shown)
    largest = max((max(values) for _, values in shown), default=math.nan)
    return Answer(board.name, panel.title, target.ref, query, len(result), len(shown), "", environments, largest)


def ask_tempo(tempo: TempoStore, board: Board, panel: Panel, target: Target, chosen: Mapping[str, str]) -> Answer:
    """Execute one search, or fetch the one trace that a panel names."""
    query = filled(target.query, values_of(board, chosen))
    found = tempo.search_for(query) if "{" in query else tempo.spans(query)
    return Answer(board.name, panel.title, target.ref, query, len(found), len(found))


def ask_grafana(grafana: httpx.Client, board: Board, panel: Panel, target: Target, chosen: Mapping[str, str]) -> Answer:
    """Execute one target through Grafana's back end, as the browser would: its text with the variables put in."""
    values = values_of(board, chosen)
    texts = {name: filled(text, values) for name in ("expr", "query") if (text := target.raw.get(name))}
    asked = target.raw | texts | {"datasource": {"type": target.source["type"], "uid": target.source["type"]}}
    limits = {"maxDataPoints": 100, "intervalMs": _STEP_S * 1000}
    body = {"queries": [asked | limits], "from": f"now-{_SINCE_S}s", "to": "now"}
    reply = grafana.post("/api/ds/query", json=body)
    result = reply.json().get("results", {}).get(target.ref, {})
    error = str(result.get("error", "")) or ("" if reply.status_code == 200 else reply.text)
    frames = result.get("frames", [])
    return Answer(board.name, panel.title, target.ref, repr(texts), len(frames), sum(map(_has_rows, frames)), error)


def _finite(points: list[tuple[float, str]]) -> list[float]:
    return [value for _, text in points if math.isfinite(value := float(text))]


def _has_rows(frame: Mapping[str, Any]) -> bool:
    """A frame can have its columns and nothing in them."""
    return any(frame["data"]["values"])
