"""Reads server-sent events back."""

import json
from collections.abc import Iterable, Iterator
from typing import Any


def server_sent(lines: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """(event, data) as they come; comments are left out. Data that is no JSON stays text."""
    event = ""
    for line in lines:
        name, _, value = line.partition(": ")
        if name == "event":
            event = value
        elif name == "data":
            yield event, value if value == "[DONE]" else json.loads(value)
            event = ""


def events_of(body: str) -> list[tuple[str, Any]]:
    """All of a whole body. Not by `splitlines`, which also parts at U+2028."""
    return list(server_sent(body.split("\n")))
