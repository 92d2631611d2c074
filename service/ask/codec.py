"""An answer as bytes and back: JSON, so that a cache file can never run code."""

import json
from dataclasses import asdict

from service.ask.types import Answer, Citation, Degradation, Mode


def encode(answer: Answer) -> bytes:
    """ASCII JSON: a model can send half a surrogate pair, which UTF-8 cannot hold and an escape can."""
    return json.dumps(asdict(answer), separators=(",", ":")).encode("ascii")


def decode(payload: bytes) -> Answer:
    """Raises `ValueError` for anything `encode` did not write."""
    try:
        fields = json.loads(payload)
        fields["mode"] = Mode(fields["mode"])
        fields["citations"] = tuple(Citation(**citation) for citation in fields["citations"])
        fields["degraded"] = tuple(Degradation(name) for name in fields["degraded"])
        return Answer(**fields)
    except (KeyError, TypeError) as error:
        raise ValueError("not a stored answer") from error
