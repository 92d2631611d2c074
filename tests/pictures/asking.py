"""What a panel's queries answer, as series to draw."""

import math
import time
from dataclasses import dataclass

import httpx

from tests.components.dashboard_queries import values_of
from tests.dashboards.boards import Board, Target
from tests.dashboards.promql import filled

REQUEST_S = 20.0
STEP_S = 3


@dataclass(frozen=True)
class Line:
    """One series: its labels, the name in the legend, times in seconds before now (negative), values."""

    labels: dict[str, str]
    name: str
    times: list[float]
    values: list[float]

    @property
    def last(self) -> float:
        return next((value for value in reversed(self.values) if math.isfinite(value)), math.nan)


def lines(url: str, board: Board, target: Target, chosen: dict[str, str], since_s: float) -> list[Line]:
    """The series of one target over the last seconds; of an instant query one value each."""
    query = filled(target.expr, values_of(board, chosen))
    now = time.time()
    if target.raw.get("range"):
        path, when = "query_range", {"start": now - since_s, "end": now, "step": STEP_S}
    else:
        path, when = "query", {"time": now}
    reply = httpx.post(f"{url}/api/v1/{path}", data={"query": query, **when}, timeout=REQUEST_S, trust_env=False)
    return [_line(one, target, now) for one in reply.json()["data"]["result"]]


def _line(one: dict[str, object], target: Target, now: float) -> Line:
    labels: dict[str, str] = one["metric"]  # type: ignore[assignment]
    points: list[tuple[float, str]] = one.get("values") or [one["value"]]  # type: ignore[assignment]
    name = str(target.raw.get("legendFormat") or "")
    for label, value in labels.items():
        name = name.replace(f"{{{{{label}}}}}", value)
    return Line(labels, name, [at - now for at, _ in points], [float(value) for _, value in points])
