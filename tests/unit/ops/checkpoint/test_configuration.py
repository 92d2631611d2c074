"""What is configured is told; what is secret is named."""

import json
from typing import Any

import pytest

from ops.checkpoint.configuration import described, of_environment, without_password, without_secrets
from service.settings import Settings

CANARY = "canary-7f3a"


def test_settings_are_told_without_their_secrets() -> None:
    settings = Settings(
        api_key=f"erag_{CANARY}", cache={"url": f"redis://user:{CANARY}@127.0.0.1:6379/0"}, log_level="DEBUG"
    )
    variables = {
        "RAG_API_KEY": CANARY,
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization={CANARY}",
        "RAG_RETRIEVAL__TOP_K": "7",
        "HOME": "/home/somebody",
    }
    told = described(settings, variables)
    assert CANARY not in json.dumps(told)
    assert told["settings"]["retrieval.top_k"] == 5
    assert told["settings"]["cache.url"] == "redis://(set)@127.0.0.1:6379/0"
    assert told["variables"] == ["OTEL_EXPORTER_OTLP_HEADERS", "RAG_API_KEY", "RAG_RETRIEVAL__TOP_K"]
    assert told["secrets"] == ["OTEL_EXPORTER_OTLP_HEADERS", "RAG_API_KEY", "api_key"]
    assert told["settings"]["auth.mode"] == "auto"


@pytest.mark.parametrize("told", [
    {"services": {"a": {"environment": {"GF_SECURITY_ADMIN_PASSWORD": CANARY, "LOG_LEVEL": "INFO"}}}},
    {"services": {"a": {"environment": [f"RAG_API_KEY={CANARY}", "LOG_LEVEL=INFO"]}}},
    {"services": {"a": {"command": ["--url", f"https://me:{CANARY}@example.org/x"]}}},
])  # fmt: skip
def test_a_configuration_of_compose_is_told_without_its_secrets(told: dict[str, Any]) -> None:
    text = json.dumps(without_secrets(told))
    assert CANARY not in text
    assert "INFO" in text or "example.org" in text


@pytest.mark.parametrize("value", ["http://127.0.0.1:8000", "a@b", "", None, 5, "https://example.org/@x"])
def test_what_holds_no_password_stays(value: object) -> None:
    assert without_password(value) == value


def test_that_of_a_service_with_other_variables() -> None:
    told = of_environment({"RAG_RETRIEVAL__TOP_K": "9", "RAG_API_KEY": "secret-7f"})
    assert (told["settings"]["retrieval.top_k"], told["settings"]["api_key"]) == (9, "(set)")
    assert {"RAG_API_KEY", "RAG_RETRIEVAL__TOP_K"} <= set(told["variables"])
    assert of_environment({"RAG_RETRIEVAL__TOP_K": "many"}) == {}
