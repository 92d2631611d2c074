"""An answer as bytes and back: JSON, so that a cache file can never run code."""

import json
from dataclasses import fields

from service.ask.types import Answer, Citation, Degradation, Mode

_ANSWER = tuple(field.name for field in fields(Answer))
_CITATION = tuple(field.name for field in fields(Citation))


def encode(answer: Answer) -> bytes:
    """ASCII JSON: a model can send half a surrogate pair, which UTF-8 cannot hold and an escape can."""
    # Not `asdict`, which copies everything that these hold, deeply and slowly.
    kept = {name: getattr(answer, name) for name in _ANSWER}
    kept["citations"] = [{name: getattr(cited, name) for name in _CITATION} for cited in answer.citations]
    return json.dumps(kept, separators=(",", ":")).encode("ascii")


def decode(payload: bytes) -> Answer:
    """Raises `ValueError` for anything `encode` did not write."""
    try:
        kept = json.loads(payload)
        kept["mode"] = Mode(kept["mode"])
        kept["citations"] = tuple(Citation(**cited) for cited in kept["citations"])
        kept["degraded"] = tuple(Degradation(name) for name in kept["degraded"])
        return Answer(**kept)
    except (KeyError, TypeError) as error:
        raise ValueError("not a stored answer") from error
