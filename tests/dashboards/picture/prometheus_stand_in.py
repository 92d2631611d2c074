"""A Prometheus for the renderer's tests: answers every query with what it is given, and keeps what it was asked."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlparse

import httpx

from dashboards.picture.prometheus import Prometheus

Labelled = tuple[dict[str, str], Callable[[float], float | None]]
"""A series: its labels, and its value at a time; None is a gap."""


@dataclass
class StandIn:
    """`series` of each query; `asked` are path and parameters, in order."""

    series: Callable[[str], Sequence[Labelled]] = lambda _: ()
    examples: Sequence[dict[str, Any]] = ()
    values: Sequence[str] = ()
    refusal: str = ""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def client(self) -> Prometheus:
        return Prometheus("http://prometheus/", httpx.Client(transport=httpx.MockTransport(self._answer)))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        url = urlparse(str(request.url))
        path = url.path.removeprefix("/api/v1/")
        given = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.asked.append((path, given))
        if self.refusal:
            return httpx.Response(400, json={"status": "error", "error": self.refusal})
        return httpx.Response(200, text=json.dumps({"status": "success", "data": self._data(path, given)}))

    def _data(self, path: str, given: dict[str, str]) -> Any:
        if path.startswith("label/"):
            return list(self.values)
        if path == "query_exemplars":
            return list(self.examples)
        series = self.series(given["query"])
        if path == "query":
            now = float(given["time"])
            result = [{"metric": labels, "value": [now, _text(value(now))]} for labels, value in series]
            return {"resultType": "vector", "result": result}
        start, end, step = (float(given[name]) for name in ("start", "end", "step"))
        times = [start + number * step for number in range(round((end - start) / step) + 1)]
        result = [{"metric": labels, "values": _values(times, value)} for labels, value in series]
        return {"resultType": "matrix", "result": result}


def _values(times: Sequence[float], value: Callable[[float], float | None]) -> list[list[Any]]:
    return [[at, _text(found)] for at in times if (found := value(at)) is not None]


def _text(value: float | None) -> str:
    return {"inf": "+Inf", "nan": "NaN"}.get(str(value), str(value))
