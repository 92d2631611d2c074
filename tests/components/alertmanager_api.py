"""A small client of a real Alertmanager: alerts posted by hand, as Prometheus posts them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

REQUEST_S = 10.0


class AlertmanagerApi:
    """Alertmanager at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url

    def fire(self, **labels: str) -> None:
        """An alert with these labels begins, or goes on."""
        self._post(labels, ends=datetime.now(UTC) + timedelta(minutes=5))

    def resolve(self, **labels: str) -> None:
        """The same alert ends now."""
        self._post(labels, ends=datetime.now(UTC))

    def alerts(self, **labels: str) -> list[dict[str, Any]]:
        """Alerts that it holds and that have these labels; each with `receivers`."""
        matchers = [f'{name}="{value}"' for name, value in labels.items()]
        reply = httpx.get(f"{self.url}/api/v2/alerts", params={"filter": matchers}, timeout=REQUEST_S, trust_env=False)
        assert reply.status_code == 200, reply.text
        return list(reply.json())

    def _post(self, labels: dict[str, str], ends: datetime) -> None:
        alert = {
            "labels": labels,
            "annotations": {"summary": "posted by a test"},
            "startsAt": (datetime.now(UTC) - timedelta(seconds=1)).isoformat(),
            "endsAt": ends.isoformat(),
        }
        reply = httpx.post(f"{self.url}/api/v2/alerts", json=[alert], timeout=REQUEST_S, trust_env=False)
        assert reply.status_code == 200, reply.text
