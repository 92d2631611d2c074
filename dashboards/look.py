"""What colours and units mean, the same on every dashboard."""

from collections.abc import Mapping

from grafana_foundation_sdk.builders import dashboard as d
from grafana_foundation_sdk.models import dashboard as dm

GOOD, DOUBTFUL, BAD, PLAIN = "green", "orange", "red", "text"
ENVIRONMENTS: Mapping[str, str] = {"production": "blue", "development": "orange"}
OUTCOMES: Mapping[str, str] = {
    "ok": "green",
    "degraded": "yellow",
    "no_context": "light-blue",
    "rejected": "orange",
    "cancelled": "purple",
    "error": "red",
}
CACHE: Mapping[str, str] = {
    "hit": "green",
    "coalesced": "light-green",
    "miss": "blue",
    "expired": "light-blue",
    "invalidated": "purple",
    "bypass": "text",
}
STAGES: Mapping[str, str] = {
    "route": "light-blue",
    "cache_lookup": "green",
    "coalesce": "light-green",
    "embed": "purple",
    "retrieve": "blue",
    "prompt": "light-purple",
    "admission": "orange",
    "generate": "yellow",
    "extract": "light-yellow",
    "cache_store": "dark-green",
}
PHASES: Mapping[str, str] = {"queue": "orange", "load": "red", "prompt_eval": "blue", "eval": "yellow"}

# The default policy's models; others take what is left of the palette. By the end of a line's name.
MODELS: Mapping[str, str] = {
    "llama3.2:3b": "green",
    "llama3.1:latest": "blue",
    "qwen2.5-coder:14b": "orange",
    "gpt-oss:20b": "purple",
    "nomic-embed-text": "text",
}

SECONDS, RATIO, PER_SECOND, COUNT, BYTES = "s", "percentunit", "reqps", "none", "bytes"
CELSIUS, WATTS, TOKENS_PER_SECOND = "celsius", "watt", "suffix: tok/s"


def rising(yellow: float, red: float) -> d.ThresholdsConfig:
    """Good below, bad above."""
    return steps((None, GOOD), (yellow, DOUBTFUL), (red, BAD))


def falling(red: float, yellow: float) -> d.ThresholdsConfig:
    """Bad below, good above."""
    return steps((None, BAD), (red, DOUBTFUL), (yellow, GOOD))


def plain() -> d.ThresholdsConfig:
    """No value is better than another."""
    return steps((None, PLAIN))


def steps(*given: tuple[float | None, str]) -> d.ThresholdsConfig:
    """From each value on, this colour."""
    made = [dm.Threshold(value=value, color=color) for value, color in given]
    return d.ThresholdsConfig().mode(dm.ThresholdsMode.ABSOLUTE).steps(made)
