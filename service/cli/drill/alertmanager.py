"""What a drill asks Alertmanager: the alerts that it holds now."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.cli.drill.json_api import JsonApi
from service.cli.failures import Failure

_REMEDY = "Start it (`make stack STACK='--environment development'`), or name its address with --alertmanager."


@dataclass(frozen=True)
class Alert:
    """An alert that has not ended. `since` is when its rule began to fire, as Alertmanager writes times."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    since: str
    receivers: tuple[str, ...] = ()
    suppressed_by: tuple[str, ...] = ()


class Alertmanager:
    """Alertmanager at `url`. Raises `Failure`."""

    def __init__(self, url: str) -> None:
        self.api = JsonApi("Alertmanager", url, _REMEDY)

    def alerts(self, name: str, labels: Mapping[str, str]) -> list[Alert]:
        """Those of this name that have these labels, told or suppressed."""
        matchers = [f'{label}="{value}"' for label, value in ({"alertname": name} | dict(labels)).items()]
        answer = self.api.get("/api/v2/alerts", filter=matchers)
        if not isinstance(answer, list):
            raise Failure(f"What answers at {self.api.url} is not Alertmanager", todo=_REMEDY)
        return [
            Alert(
                one["labels"],
                one["annotations"],
                one["startsAt"],
                tuple(receiver["name"] for receiver in one["receivers"]),
                (*one["status"]["silencedBy"], *one["status"]["inhibitedBy"]),
            )
            for one in answer
        ]

    def require(self) -> None:
        """That it is there."""
        self.api.get("/api/v2/status")
