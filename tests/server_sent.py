"""Reads server-sent events back."""

import json
from typing import Any


def events_of(body: str) -> list[tuple[str, Any]]:
    """(event, data) pairs; comments are left out. Data that is no JSON stays text."""
    events = []
    for block in body.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in fields:
            data = fields["data"]
            events.append((fields.get("event", ""), data if data == "[DONE]" else json.loads(data)))
    return events
