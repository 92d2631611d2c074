"""What is known of how a version answers: its own records of the last requests, and what Prometheus knows of each
model's past. Seconds throughout."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ops.checkpoint.live_service import LiveService
from prometheus import regression
from prometheus.thresholds import Thresholds
from service.cli.drill.json_api import JsonApi
from service.cli.failures import Failure
from service.telemetry.catalogue import CONSTANT_LABELS, MODEL_LABEL

RECORDS = 1000
# In place of a model's name, where the documents were quoted without one.
QUOTED = "(no model: quotations)"
_ENVIRONMENT = next(iter(CONSTANT_LABELS))
_QUICK_S = 5.0
# Failures that a version can be blamed for: one who goes away, or is turned away politely, is none.
_FAILED = frozenset({"error"})
_ANSWERED = frozenset({"ok", "degraded"})
_GONE = frozenset({"cancelled"})


@dataclass
class Seen:
    """Requests that were answered or failed. `times` are those that a loaded model made, by model."""

    asked: int = 0
    failed: int = 0
    times: dict[str, list[float]] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """Of failures."""
        return self.failed / self.asked if self.asked else 0.0

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Seen":
        """Out of JSON."""
        times = {str(model): [float(one) for one in given] for model, given in told["times"].items()}
        return cls(int(told["asked"]), int(told["failed"]), times)


@dataclass(frozen=True)
class Usual:
    """What Prometheus has recorded of a model's mean within a window: the median of the last days, the usual spread of
    the mean, and how many answers the window usually has."""

    median_s: float
    spread_s: float
    answers: float


class Collected:
    """The records of a running version, gathered look by look: it keeps only so many. A record counts once."""

    def __init__(self, since: float = 0.0) -> None:
        self._since = since
        self._found: dict[tuple[float, str], Mapping[str, Any]] = {}

    def look(self, live: LiveService) -> None:
        """Raises `Failure` when it does not answer."""
        for record in live.client.get("/monitoring/recent", count=RECORDS)["recent"]:
            if float(record["at"]) >= self._since:
                self._found[(float(record["at"]), str(record.get("trace_id", "")))] = record

    def seen(self) -> Seen:
        return seen_in(self._found.values())


def seen_in(records: Iterable[Mapping[str, Any]]) -> Seen:
    """Pure."""
    found, times = Seen(), defaultdict[str, list[float]](list)
    for record in records:
        outcome = str(record["outcome"])
        if outcome in _GONE:
            continue
        found.asked += 1
        found.failed += outcome in _FAILED
        if outcome in _ANSWERED and record.get("cache") != "hit" and not record.get("cold"):
            model = record.get("model") or (QUOTED if record.get("mode") == "extractive" else None)
            if model:
                times[str(model)].append(float(record["duration_s"]))
    found.times = dict(sorted(times.items()))
    return found


class Past:
    """Prometheus at `url`, as far as one is there. Never raises: without one, there is no past."""

    def __init__(self, url: str, environment: str, limits: Thresholds) -> None:
        self._api = JsonApi("Prometheus", url, "", _QUICK_S)
        self._environment = environment
        self._limits = limits

    def usual(self) -> dict[str, Usual]:
        """Of every model with enough of a past, as the rules' shortest window knows it."""
        followed, limits = regression.mean_of(self._limits.regression.windows[0]), self._limits
        points = self._by_model(followed.usual("points", limits))
        median, spread = (self._by_model(followed.usual(what, limits)) for what in ("median", "spread"))
        usual_count = f"last_over_time({followed.usual_count(limits)}[2h])"
        answers = self._by_model(usual_count)
        return {
            model: Usual(median[model], spread[model], answers.get(model, 0.0))
            for model, there in points.items()
            if there >= limits.normal.min_points and median.get(model, 0.0) > 0 and model in spread
        }

    def firing(self) -> set[str]:
        """Names of the alerts that page, which fire now."""
        query = f'ALERTS{{alertstate="firing",severity="page",{_ENVIRONMENT}="{self._environment}"}}'
        return {str(one["metric"].get("alertname", "")) for one in self._query(query)}

    def _by_model(self, expression: str) -> dict[str, float]:
        found = {}
        for one in self._query(expression):
            labels = one["metric"]
            if labels.get(_ENVIRONMENT) == self._environment and MODEL_LABEL in labels:
                found[str(labels[MODEL_LABEL])] = float(one["value"][1])
        return found

    def _query(self, expression: str) -> list[Any]:
        try:
            answer = self._api.get("/api/v1/query", query=expression)
            return list(answer["data"]["result"])
        except (Failure, KeyError, TypeError):
            return []
