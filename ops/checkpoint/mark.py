"""Marks on the dashboards: points of a series that are written into Prometheus, such as `emini_rag_restore`.

As for drills (service/cli/drill/mark.py): over remote write, where that is on; without it there is no mark, and nothing
else changes. Checkpoints need none: the service counts how long it kept its writers out.
"""

from service.cli.drill.json_api import JsonApi
from service.cli.drill.remote_write import ENDED, PRESENT, write
from service.telemetry.catalogue import CONSTANT_LABELS

NAME = "emini_rag_restore"
# Longer than the step at which dashboards look.
_SHOWN_S = 20.0
_QUICK_S = 2.0
_ENVIRONMENT = next(iter(CONSTANT_LABELS))


def mark(prometheus: str, environment: str, checkpoint: str, at_s: float) -> bool:
    """That of a restore. Whether Prometheus took it."""
    return point(prometheus, NAME, environment, at_s, checkpoint=checkpoint)


def point(prometheus: str, series: str, environment: str, at_s: float, **labels: str) -> bool:
    """One point of `series`, and its end. Whether Prometheus took it."""
    labels = {"__name__": series, _ENVIRONMENT: environment, **labels}
    api = JsonApi("Prometheus", prometheus, "", _QUICK_S)
    return write(api, labels, PRESENT, at_s) and write(api, labels, ENDED, at_s + _SHOWN_S)
