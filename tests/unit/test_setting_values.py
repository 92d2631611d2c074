"""What settings take, and what is said of what they do not."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from service.setting_values import CacheUrl, ChromaUrl, Duration, LogBytes, OllamaUrl, TempoUrl, TracePageUrl

PAGE = "http://localhost:3001/d/trace?var-traceId={trace_id}"


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (OllamaUrl, ["http://127.0.0.1:11434", "https://box", "scripted:", ""]),
        (ChromaUrl, ["http://[::1]:8000", ""]),
        (CacheUrl, ["redis://h:6379/0", "unix:///run/valkey.sock", ""]),
        (TempoUrl, ["http://tempo:3200", "https://user:pass@tempo/prefix", ""]),
        (TracePageUrl, [PAGE, "https://x/{trace_id}", ""]),
        (Duration, ["30m", "1h30m", "-1", "45", " 5s "]),
        (LogBytes, [0, 8 << 20, 1 << 40]),
    ],
)
def test_what_is_meant_is_taken(kind: Any, values: list[Any]) -> None:
    for value in values:
        assert TypeAdapter(kind).validate_python(value) == value


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (OllamaUrl, "localhost:11434", "write it like http://127.0.0.1:11434"),
        (OllamaUrl, "http://x:0", "is no address"),
        (ChromaUrl, "scripted:", "is no address"),
        (CacheUrl, "http://x", "write it like redis://127.0.0.1:6379/0"),
        (TempoUrl, "http://x:port", "write it like http://127.0.0.1:3200"),
        (TracePageUrl, "http://localhost:3001/d/trace", PAGE),
        (TracePageUrl, "javascript:alert({trace_id})", PAGE),
        (Duration, "soon", "write it like 30m"),
        (LogBytes, 1, "8388608 or more"),
        (LogBytes, -1, "8388608 or more"),
    ],
)
def test_what_is_not_is_refused_with_an_example(kind: Any, value: Any, said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(kind).validate_python(value)
    assert said in refused.value.errors()[0]["msg"]
