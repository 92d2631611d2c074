"""A client of Prometheus: what panels ask it. Raises `Refused` with its words, or httpx's errors when it is away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray

TIMEOUT_S = 30.0
Numbers = NDArray[np.float64]


class Refused(Exception):
    """Prometheus did not answer a query; the text says why and which."""


@dataclass(frozen=True)
class Series:
    """One series; `values` stand at the times of the answer, NaN where there was none. An instant answer has one."""

    labels: Mapping[str, str]
    values: Numbers


@dataclass(frozen=True)
class Example:
    """An exemplar: one measured value, and where it was seen."""

    labels: Mapping[str, str]
    at_s: float
    value: float


class Prometheus:
    """The one at `url`."""

    def __init__(self, url: str, client: httpx.Client) -> None:
        self._url = url.rstrip("/")
        self._client = client

    def over_time(self, query: str, start_s: float, end_s: float, step_s: float) -> tuple[Numbers, list[Series]]:
        """The times that were asked for, and every series at these times."""
        times = np.arange(start_s, end_s + step_s / 2, step_s)
        result = self._get("query_range", query=query, start=start_s, end=end_s, step=step_s)["result"]
        return times, [Series(one["metric"], _on(times, one["values"], step_s)) for one in result]

    def at(self, query: str, time_s: float) -> list[Series]:
        """Every series at one moment."""
        data = self._get("query", query=query, time=time_s)
        if data["resultType"] == "scalar":
            return [Series({}, np.array([float(data["result"][1])]))]
        return [Series(one["metric"], np.array([float(one["value"][1])])) for one in data["result"]]

    def examples(self, query: str, start_s: float, end_s: float) -> list[Example]:
        """Exemplars of every series in the query."""
        groups = self._get("query_exemplars", query=query, start=start_s, end=end_s)
        return [
            Example(group["seriesLabels"], float(one["timestamp"]), float(one["value"]))
            for group in groups
            for one in group["exemplars"]
        ]

    def label_values(self, selector: str, label: str, start_s: float, end_s: float) -> list[str]:
        """The values of a label among the series that match."""
        return list(self._get(f"label/{label}/values", start=start_s, end=end_s, **{"match[]": selector}))

    def _get(self, path: str, **parameters: str | float) -> Any:
        reply = self._client.get(f"{self._url}/api/v1/{path}", params=parameters, timeout=TIMEOUT_S)
        try:
            answer = reply.json()
        except ValueError:
            raise Refused(f"{self._url} is no Prometheus: status {reply.status_code} for /api/v1/{path}") from None
        if answer.get("status") != "success":
            raise Refused(f"{answer.get('error')}: {parameters}")
        return answer["data"]


def _on(times: Numbers, given: Sequence[tuple[float, str]], step_s: float) -> Numbers:
    values = np.full(len(times), np.nan)
    for at_s, value in given:
        values[round((at_s - times[0]) / step_s)] = float(value)
    return values
