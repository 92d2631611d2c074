"""The marks of deploys on the dashboards: points of the series `emini_rag_deploy`, written into Prometheus.

As for drills (service/cli/drill/mark.py): over remote write, where that is on; without it there is no mark, and nothing
else changes. The label `checkpoint` names where to go back to.
"""

from service.cli.drill.json_api import JsonApi
from service.cli.drill.remote_write import ENDED, HEADERS, PRESENT, block, message
from service.cli.failures import Failure
from service.telemetry.catalogue import CONSTANT_LABELS

NAME = "emini_rag_deploy"
# Longer than the step at which dashboards look.
_SHOWN_MS = 20_000
_QUICK_S = 2.0
_ENVIRONMENT = next(iter(CONSTANT_LABELS))


def mark(prometheus: str, environment: str, version: str, event: str, checkpoint: str, at_s: float) -> bool:
    """`event` is up, kept, rolled_back or rollback. Whether Prometheus took it."""
    labels = {"__name__": NAME, _ENVIRONMENT: environment, "version": version, "event": event, "checkpoint": checkpoint}
    api = JsonApi("Prometheus", prometheus, "", _QUICK_S)
    try:
        return all(
            api.send(
                "POST",
                "/api/v1/write",
                content=block(message(labels, value, round(at_s * 1000) + later)),
                headers=HEADERS,
            ).is_success
            for value, later in ((PRESENT, 0), (ENDED, _SHOWN_MS))
        )
    except Failure:
        return False
