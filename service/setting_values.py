"""Kinds of values that settings take, each refused with words that say how to write it. Pure."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

OLLAMA = "http://127.0.0.1:11434"

_DURATION = re.compile(r"-?\d+(\.\d+)?|-?(\d+(\.\d+)?(ns|us|ms|s|m|h))+")
# Its file has a write-ahead log beside it, and what is dropped frees whole pages only.
_LEAST_LOG_BYTES = 8 << 20


def _address(example: str, *schemes: str, or_else: str = "") -> AfterValidator:
    """An address with one of these schemes. Empty text, and `or_else`, keep the meaning that the setting gives them."""

    def check(value: str) -> str:
        try:
            parts = urlsplit(value)
            usable = parts.scheme in schemes and bool(parts.hostname or parts.scheme == "unix") and parts.port != 0
        except ValueError:
            usable = False
        if not usable and value not in {"", or_else}:
            raise PydanticCustomError("address", "is no address; write it like {example}", {"example": example})
        return value

    return AfterValidator(check)


def _duration(value: str) -> str:
    if not _DURATION.fullmatch(value.strip()):
        raise PydanticCustomError("duration", "is no duration; write it like 30m or 1h30m, -1 for ever")
    return value


def _trace_page(value: str) -> str:
    """People follow it as a link: a web page and nothing else, and one that knows which trace is meant."""
    if value and not (value.startswith(("http://", "https://")) and "{trace_id}" in value):
        example = {"example": "http://localhost:3001/d/trace?var-traceId={trace_id}"}
        raise PydanticCustomError("trace_page", "is no page of a trace; write it like {example}", example)
    return value


def _log_bytes(value: int) -> int:
    if value != 0 and value < _LEAST_LOG_BYTES:
        least = {"least": _LEAST_LOG_BYTES}
        raise PydanticCustomError(
            "log_bytes", "is too little; 0 keeps nothing on the disk, else {least} or more", least
        )
    return value


OllamaUrl = Annotated[str, _address(OLLAMA, "http", "https", or_else="scripted:")]
ChromaUrl = Annotated[str, _address("http://127.0.0.1:8000", "http", "https")]
CacheUrl = Annotated[str, _address("redis://127.0.0.1:6379/0", "redis", "rediss", "unix")]
TempoUrl = Annotated[str, _address("http://127.0.0.1:3200", "http", "https")]
TracePageUrl = Annotated[str, AfterValidator(_trace_page)]
Duration = Annotated[str, AfterValidator(_duration)]
LogBytes = Annotated[int, AfterValidator(_log_bytes)]
ModelName = Annotated[str, Field(min_length=1)]
