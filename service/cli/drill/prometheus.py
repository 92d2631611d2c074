"""What a drill asks Prometheus: whom it watches, the rule that is to be proven, and values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isnan
from typing import Any

from service.cli.drill.json_api import JsonApi
from service.cli.failures import Failure

_REMEDY = "Start it (`make stack STACK='--environment development'`), or name its address with --prometheus."


@dataclass(frozen=True)
class Rule:
    """An alert rule as Prometheus runs it. `states` are the labels of what is pending or firing, with that word."""

    name: str
    query: str
    for_s: float
    keep_s: float
    annotations: Mapping[str, str] = field(default_factory=dict)
    states: tuple[tuple[Mapping[str, str], str], ...] = ()

    def state(self, labels: Mapping[str, str]) -> str:
        """`firing`, `pending` or empty, of an alert that has these labels."""
        found = {state for having, state in self.states if labels.items() <= having.items()}
        return "firing" if "firing" in found else "pending" if found else ""


class Prometheus:
    """Prometheus at `url`. Raises `Failure`."""

    def __init__(self, url: str) -> None:
        self.api = JsonApi("Prometheus", url, _REMEDY)

    def environments(self, job: str = "emini-rag") -> set[str]:
        """Of the services that it watches."""
        found = self._data("/api/v1/query", query=f'up{{job="{job}"}}')["result"]
        return {str(one["metric"].get("deployment_environment_name", "")) for one in found}

    def value(self, expression: str) -> float | None:
        """The largest value of an instant query; None when it finds nothing."""
        values = [float(one["value"][1]) for one in self._data("/api/v1/query", query=expression)["result"]]
        return max((value for value in values if not isnan(value)), default=None)

    def rule(self, name: str) -> Rule:
        """The alert rule of this name."""
        for group in self._data("/api/v1/rules", type="alert")["groups"]:
            for rule in group["rules"]:
                if rule["name"] == name:
                    states = tuple((alert["labels"], alert["state"]) for alert in rule["alerts"])
                    keep_s = float(rule.get("keepFiringFor", 0))
                    return Rule(name, rule["query"], float(rule["duration"]), keep_s, rule["annotations"], states)
        todo = "Run `make rules`, and start the installation again."
        raise Failure(f"Prometheus at {self.api.url} has no alert rule {name}", todo=todo)

    def alertmanagers(self) -> list[str]:
        """Those to which it sends alerts."""
        return [str(one["url"]) for one in self._data("/api/v1/alertmanagers")["activeAlertmanagers"]]

    def _data(self, path: str, **params: str) -> Any:
        answer = self.api.get(path, **params)
        if not isinstance(answer, dict) or "data" not in answer:
            raise Failure(f"What answers at {self.api.url} is not Prometheus", todo=_REMEDY)
        return answer["data"]
