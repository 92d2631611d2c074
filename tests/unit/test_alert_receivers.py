"""Who is told of alerts."""

import pytest

from service.alert_receivers import AlertDelivery, delivery, named


@pytest.mark.parametrize(
    ("receivers", "expected"),
    [
        (None, AlertDelivery.OFF),
        ("", AlertDelivery.NOBODY),
        (" , ", AlertDelivery.NOBODY),
        ("slack", AlertDelivery.TOLD),
        ("heartbeat, email", AlertDelivery.TOLD),
        # It gets the Watchdog alone.
        ("heartbeat", AlertDelivery.NOBODY),
        # Alertmanager knows no such receiver.
        ("slak", AlertDelivery.NOBODY),
        ("Slack", AlertDelivery.NOBODY),
        ("slak,webhook", AlertDelivery.TOLD),
    ],
)
def test_what_becomes_of_alerts(receivers: str | None, expected: AlertDelivery) -> None:
    assert delivery(receivers) is expected


def test_names_are_taken_as_they_are_written() -> None:
    assert named(" slack , slak,,email") == ("slack", "slak", "email")
    assert named(None) == named("") == ()
