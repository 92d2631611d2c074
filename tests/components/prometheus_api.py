"""A small client of a real Prometheus: what tests ask it, and how they wait for an answer."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from ops.stack.process import NotInTime, wait_until

REQUEST_S = 10.0
WITHIN_S = 30.0


@dataclass(frozen=True)
class Series:
    """One series of an instant query's answer: its labels, the name included, and its value now."""

    labels: dict[str, str]
    value: float


@dataclass(frozen=True)
class Exemplar:
    """One exemplar: the labels of the series it was seen on, its own labels (`trace_id`, ...), value and time."""

    series: dict[str, str]
    labels: dict[str, str]
    value: float
    at_s: float


class PrometheusApi:
    """Prometheus at `url`. What it refuses or fails to answer is an AssertionError with its own words."""

    def __init__(self, url: str) -> None:
        self.url = url

    def query(self, expression: str) -> list[Series]:
        """The answer of an instant query, as of now."""
        data = self._get("/api/v1/query", query=expression)
        if data["resultType"] == "scalar":
            return [Series({}, float(data["result"][1]))]
        return [Series(one["metric"], float(one["value"][1])) for one in data["result"]]

    def value(self, expression: str) -> float:
        """Sum of what the query answers; 0 when it answers nothing."""
        return sum(series.value for series in self.query(expression))

    def samples(self, selector: str) -> list[list[tuple[float, str]]]:
        """Every stored sample of a range selector such as `up[1h]` as (time, value), series by series."""
        result = self._get("/api/v1/query", query=selector)["result"]
        return [[(at, value) for at, value in one["values"]] for one in result]

    def label_values(self, label: str) -> set[str]:
        """Every value that any stored series has for this label."""
        return set(self._get(f"/api/v1/label/{label}/values"))

    def series(self, matcher: str) -> list[dict[str, str]]:
        """The labels of every stored series that matches."""
        return list(self._get("/api/v1/series", **{"match[]": matcher}))

    def targets(self) -> dict[str, dict[str, Any]]:
        """What is scraped now, by `job`; each with `health`, `lastError`, `labels`."""
        return {one["labels"]["job"]: one for one in self._get("/api/v1/targets", state="active")["activeTargets"]}

    def alertmanagers(self) -> list[str]:
        """Addresses of the Alertmanagers it has reached and sends alerts to."""
        return [one["url"] for one in self._get("/api/v1/alertmanagers")["activeAlertmanagers"]]

    def rules(self) -> set[str]:
        """Names of the alert rules that it has read."""
        return {rule["name"] for group in self._get("/api/v1/rules", type="alert")["groups"] for rule in group["rules"]}

    def exemplars(self, selector: str, since_s: float, until_s: float) -> list[Exemplar]:
        """Exemplars of the series that match, between two Unix times."""
        groups = self._get("/api/v1/query_exemplars", query=selector, start=since_s, end=until_s)
        return [
            Exemplar(group["seriesLabels"], one["labels"], float(one["value"]), float(one["timestamp"]))
            for group in groups
            for one in group["exemplars"]
        ]

    def until(
        self, expression: str, holds: Callable[[float], bool] = bool, timeout_s: float = WITHIN_S
    ) -> list[Series]:
        """Ask again until the sum of the answer is as wanted (default: not 0); that answer."""
        answer: list[Series] = []

        def arrived() -> bool:
            answer[:] = self.query(expression)
            return holds(sum(series.value for series in answer))

        try:
            wait_until(arrived, timeout_s, expression)
        except NotInTime as error:
            raise AssertionError(f"{error}; the last answer: {answer[:5]}") from error
        return answer

    def scraped(self, job: str, timeout_s: float = WITHIN_S) -> None:
        """Wait until a scrape of `job` is stored that began after now: whatever was counted by now is in it."""
        now_s = time.time()
        self.until(f'min(timestamp(up{{job="{job}"}}))', lambda at_s: at_s > now_s, timeout_s)

    def _get(self, path: str, **parameters: str | float) -> Any:
        reply = httpx.get(self.url + path, params=parameters, timeout=REQUEST_S, trust_env=False)
        assert reply.status_code == 200, f"{reply.request.url}: {reply.status_code} {reply.text}"
        return reply.json()["data"]
