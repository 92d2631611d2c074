"""The queries of dashboards, asked as Grafana would: variables and macros put in, over the dashboard's time or now.

Of Prometheus and Tempo themselves, and through Grafana's own query API where there is one.
"""

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np

from dashboards.picture.board import Board as Drawn
from dashboards.picture.prometheus import Prometheus, Refused
from dashboards.picture.variables import resolved
from tests.components.trace_store import TempoStore
from tests.dashboards.boards import Board, Panel, Target
from tests.dashboards.promql import MACROS

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


def asked(text: str, board: Board, chosen: Mapping[str, str]) -> str:
    """A query with a value of every variable of its dashboard: as chosen, else as it is opened with."""
    opened = resolved(Drawn(board.name, board.raw), chosen, lambda *_: ())
    return opened.query(text, MACROS)


def ask(source: Prometheus, board: Board, panel: Panel, target: Target, chosen: Mapping[str, str]) -> Answer:
    """Execute one PromQL target."""
    query = asked(target.expr, board, chosen)
    now = time.time()
    try:
        if target.raw.get("range"):
            _, series = source.over_time(query, now - _SINCE_S, now, _STEP_S)
        else:
            series = source.at(query, now)
    except Refused as error:
        return Answer(board.name, panel.title, target.ref, query, 0, 0, str(error))
    shown = [one for one in series if np.isfinite(one.values).any()]
    environments = frozenset(one.labels.get(_ENVIRONMENT, "") for one in shown)
    largest = max((float(one.values[np.isfinite(one.values)].max()) for one in shown), default=math.nan)
    return Answer(board.name, panel.title, target.ref, query, len(series), len(shown), "", environments, largest)


def ask_tempo(tempo: TempoStore, board: Board, panel: Panel, target: Target, chosen: Mapping[str, str]) -> Answer:
    """Execute one search, or fetch the one trace that a panel names."""
    query = asked(target.query, board, chosen)
    found = tempo.search_for(query) if "{" in query else tempo.spans(query)
    return Answer(board.name, panel.title, target.ref, query, len(found), len(found))


def ask_grafana(grafana: httpx.Client, board: Board, panel: Panel, target: Target, chosen: Mapping[str, str]) -> Answer:
    """Execute one target through Grafana's back end, as the browser would: its text with the variables put in."""
    texts = {name: asked(text, board, chosen) for name in ("expr", "query") if (text := target.raw.get(name))}
    model = target.raw | texts | {"datasource": {"type": target.source["type"], "uid": target.source["type"]}}
    limits = {"maxDataPoints": 100, "intervalMs": _STEP_S * 1000}
    body = {"queries": [model | limits], "from": f"now-{_SINCE_S}s", "to": "now"}
    reply = grafana.post("/api/ds/query", json=body)
    result = reply.json().get("results", {}).get(target.ref, {})
    error = str(result.get("error", "")) or ("" if reply.status_code == 200 else reply.text)
    frames = result.get("frames", [])
    return Answer(board.name, panel.title, target.ref, repr(texts), len(frames), sum(map(_has_rows, frames)), error)


def _has_rows(frame: Mapping[str, Any]) -> bool:
    """A frame can have its columns and nothing in them."""
    return any(frame["data"]["values"])
