"""Who is told of alerts, as `ALERT_RECEIVERS` names them: "webhook", "slack,email".

The service sends no alert. It knows this setting of the Prometheus beside it to be able to say that nobody is told.
Names and files are those of prometheus/alertmanager.yml.
"""

from collections.abc import Mapping
from enum import StrEnum

# What tells a person, and the file in prometheus/receivers that it needs; empty = none.
PEOPLE: Mapping[str, str] = {"webhook": "webhook_url", "slack": "slack_url", "email": ""}
# It gets the Watchdog alone: it notices that alerts cannot be told, and tells of no alert.
HEARTBEAT: Mapping[str, str] = {"heartbeat": "heartbeat_url"}
RECEIVERS: Mapping[str, str] = {**PEOPLE, **HEARTBEAT}


class AlertDelivery(StrEnum):
    """What becomes of alerts: there are none (no Prometheus is meant to be there), they fire and nobody is told, or
    somebody is."""

    OFF = "off"
    NOBODY = "nobody_told"
    TOLD = "told"


def named(receivers: str | None) -> tuple[str, ...]:
    """The names in it, known or not."""
    return tuple(name for part in (receivers or "").split(",") if (name := part.strip()))


def delivery(receivers: str | None) -> AlertDelivery:
    """`None`: nothing was said, as where no Prometheus was started; empty: there is one, and nobody is named."""
    if receivers is None:
        return AlertDelivery.OFF
    return AlertDelivery.TOLD if any(name in PEOPLE for name in named(receivers)) else AlertDelivery.NOBODY
