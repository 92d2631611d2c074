"""Settings: the documented names and defaults, and an environment that cannot be used."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from service.settings import BadSettings, SettingProblem, Settings, load_settings, prepare_environment

OTHERS = ("ENVIRONMENT", "LOG_LEVEL", "ALERT_RECEIVERS", "ANONYMIZED_TELEMETRY")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Nothing of ours is set, and what a test or the code sets is taken back."""
    prepared = ("OTEL_SEMCONV_STABILITY_OPT_IN", "OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED")
    for name in [*os.environ, *OTHERS, *prepared, "OTEL_EXPORTER_OTLP_TIMEOUT"]:
        if name.upper().startswith(("RAG_", "OTEL_")) or name in OTHERS:
            monkeypatch.setenv(name, "")  # so that it is restored even where it was absent
            monkeypatch.delenv(name)
    yield monkeypatch


def problems(monkeypatch: pytest.MonkeyPatch, **variables: str) -> dict[str, SettingProblem]:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BadSettings) as caught:
        load_settings()
    assert len({one.variable for one in caught.value.problems}) == len(caught.value.problems)
    return {one.variable: one for one in caught.value.problems}


def test_the_documented_defaults() -> None:
    settings = load_settings()
    assert (settings.environment, settings.log_level) == ("production", "INFO")
    assert (settings.server.host, settings.server.port, settings.metrics.port) == ("127.0.0.1", 8001, 9464)
    assert (settings.data_dir, settings.documents_dir) == (Path("data"), Path("documents"))
    assert settings.ollama.url == "http://127.0.0.1:11434"
    assert (settings.chroma.url, settings.cache.url) == ("", "")
    assert settings.chat_models == ("llama3.2:3b", "llama3.1:latest", "qwen2.5-coder:14b", "gpt-oss:20b")
    assert settings.embedding.model == "nomic-embed-text"
    assert settings.routing.always_auto is False
    assert (settings.cache.max_entries, settings.cache.ttl_s, settings.cache.max_bytes) == (1000, 3600, 64 << 20)
    assert (settings.admission.slots, settings.admission.waiting) == (1, 16)
    deadlines = settings.deadlines
    assert (deadlines.total_s, deadlines.queue_s) == (120, 5)
    assert (deadlines.first_token_s, deadlines.between_tokens_s) == (60, 15)
    assert (settings.auth.mode, settings.keys_file) == ("auto", Path("data/keys.json"))
    assert (settings.service_name, settings.otlp_endpoint) == ("emini-rag", "")
    assert (settings.traces.tempo_url, settings.traces.page_url, settings.slow_log.max_bytes) == ("", "", 128 << 20)
    assert settings.api_key.get_secret_value() == ""


@pytest.mark.parametrize(
    ("name", "value", "path", "expected"),
    [
        ("ENVIRONMENT", "development", "environment", "development"),
        ("LOG_LEVEL", "DEBUG", "log_level", "DEBUG"),
        ("OTEL_SERVICE_NAME", "rag-two", "service_name", "rag-two"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318", "otlp_endpoint", "http://127.0.0.1:4318"),
        ("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "SPAN_ONLY", "capture_content", "SPAN_ONLY"),
        ("RAG_REVISION", "abc", "revision", "abc"),
        ("RAG_DATA_DIR", "/srv/rag", "data_dir", Path("/srv/rag")),
        ("RAG_SERVER__HOST", "0.0.0.0", "server.host", "0.0.0.0"),
        ("RAG_SERVER__PORT", "8002", "server.port", 8002),
        ("rag_server__port", "8002", "server.port", 8002),
        ("RAG_SERVER__ALLOWED_HOSTS", '["a","b"]', "server.allowed_hosts", ("a", "b")),
        ("RAG_METRICS__PORT", "0", "metrics.port", 0),
        ("RAG_ROUTING__MODELS__SIMPLE", "tiny", "routing.models.simple", "tiny"),
        ("RAG_ROUTING__POLICY", "seed", "routing.policy", "seed"),
        ("RAG_ROUTING__ALWAYS_AUTO", "true", "routing.always_auto", True),
        ("RAG_EMBEDDING__MODEL", "", "embedding.model", ""),
        ("RAG_CACHE__TTL_S", "0", "cache.ttl_s", 0),
        ("RAG_DEADLINES__TOTAL_S", "30", "deadlines.total_s", 30),
        ("RAG_TRACES__TEMPO_URL", "http://127.0.0.1:3200", "traces.tempo_url", "http://127.0.0.1:3200"),
        ("RAG_SLOW_LOG__MAX_BYTES", "0", "slow_log.max_bytes", 0),
        ("RAG_AUTH__KEYS_FILE", "/etc/keys.json", "keys_file", Path("/etc/keys.json")),
    ],
)
def test_a_variable_sets_its_field(
    environment: pytest.MonkeyPatch, name: str, value: str, path: str, expected: object
) -> None:
    environment.setenv(name, value)
    found: object = load_settings()
    for part in path.split("."):
        found = getattr(found, part)
    assert found == expected


def test_no_word_about_receivers_is_another_than_an_empty_one(environment: pytest.MonkeyPatch) -> None:
    assert load_settings().alert_receivers is None
    for value in ("", "slack,webhook"):
        environment.setenv("ALERT_RECEIVERS", value)
        assert load_settings().alert_receivers == value


def test_one_field_of_a_group_leaves_the_others_alone(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("RAG_ROUTING__MODELS__MEDIUM", "mid")
    models = load_settings().routing.models
    assert (models.simple, models.medium, models.complex) == ("llama3.2:3b", "mid", "qwen2.5-coder:14b")


def test_a_model_of_two_tiers_and_a_further_one_are_listed_once(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("RAG_ROUTING__MODELS__MEDIUM", "llama3.2:3b")
    environment.setenv("RAG_ROUTING__EXTRA_MODELS", '["phi4", "gpt-oss:20b"]')
    assert load_settings().chat_models == ("llama3.2:3b", "qwen2.5-coder:14b", "gpt-oss:20b", "phi4")


def test_keys_lie_in_the_data_folder(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("RAG_DATA_DIR", "/srv/rag")
    assert load_settings().keys_file == Path("/srv/rag/keys.json")


def test_settings_are_frozen() -> None:
    settings = load_settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.environment = "development"
    with pytest.raises(ValidationError, match="frozen"):
        settings.server.port = 1


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("RAG_SERVER__PROT", "RAG_SERVER__PORT"),
        ("RAG_SERVR__PORT", "RAG_SERVER__PORT"),
        ("RAG_SERVER_PORT", "RAG_SERVER__PORT"),
        ("RAG_DATADIR", "RAG_DATA_DIR"),
        ("RAG_LOG_LEVEL", "LOG_LEVEL"),
        ("RAG_ENVIRONMENT", "ENVIRONMENT"),
        ("rag_ollama__ulr", "RAG_OLLAMA__URL"),
    ],
)
def test_an_unknown_variable_is_refused_with_the_name_that_was_meant(
    environment: pytest.MonkeyPatch, name: str, meant: str
) -> None:
    assert problems(environment, **{name: "secret-value"}) == {
        name: SettingProblem(name, f"no setting has this name; did you mean {meant}?")
    }


def test_variables_of_others_and_the_key_of_the_commands_are_accepted(environment: pytest.MonkeyPatch) -> None:
    for name in ("RAG_COMPONENTS_DIR", "RAG_REQUIRE_COMPONENTS", "RAG_BIND", "RAG_API_KEY", "RAGTIME", "PATH_RAG_X"):
        environment.setenv(name, "some")
    settings = load_settings()
    assert settings.api_key.get_secret_value() == "some"
    assert "some" not in repr(settings)


def test_every_problem_is_told_at_once_with_what_is_allowed(environment: pytest.MonkeyPatch) -> None:
    found = problems(
        environment,
        RAG_SERVER__PORT="http",
        RAG_RETRIEVAL__FLOOR="2",
        RAG_ROUTING__POLICY="best",
        RAG_ROUTING__ALWAYS_AUTO="perhaps",
        LOG_LEVEL="loud",
        RAG_SERVER__HOTS="x",
    )
    assert set(found) == {
        "RAG_SERVER__PORT", "RAG_RETRIEVAL__FLOOR", "RAG_ROUTING__POLICY", "RAG_ROUTING__ALWAYS_AUTO", "LOG_LEVEL",
        "RAG_SERVER__HOTS",
    }  # fmt: skip
    assert found["RAG_SERVER__PORT"].allowed == "a whole number >= 0 and <= 65535; default 8001"
    assert found["RAG_RETRIEVAL__FLOOR"].allowed == "a number >= 0 and <= 1; default 0.3"
    assert found["RAG_ROUTING__POLICY"].allowed == "scored, seed; default scored"
    assert found["RAG_ROUTING__ALWAYS_AUTO"].allowed == "true or false; default False"
    assert found["LOG_LEVEL"].allowed.startswith("DEBUG, INFO, WARNING, ERROR")
    assert "RAG_SERVER__HOST?" in found["RAG_SERVER__HOTS"].wrong


def test_what_is_wrong_inside_a_list_or_a_group_names_the_variable_that_was_set(
    environment: pytest.MonkeyPatch,
) -> None:
    found = problems(environment, RAG_SERVER__ALLOWED_HOSTS='["a", 3]', RAG_METRICS='{"prot": 1}')
    assert "JSON list" in found["RAG_SERVER__ALLOWED_HOSTS"].allowed
    assert found["RAG_METRICS"].wrong.startswith("prot: ")


def test_what_is_not_json_where_json_is_needed_is_told_so(environment: pytest.MonkeyPatch) -> None:
    found = problems(environment, RAG_SERVER__ALLOWED_HOSTS="a,b", RAG_SERVER__PROT="1")
    assert found["RAG_SERVER__ALLOWED_HOSTS"].wrong == "is not valid JSON"
    assert set(found) == {"RAG_SERVER__ALLOWED_HOSTS", "RAG_SERVER__PROT"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RAG_OLLAMA__URL", "localhost:11434"),
        ("RAG_OLLAMA__URL", "http://:11434"),
        ("RAG_OLLAMA__URL", "http://box:99999"),
        ("RAG_CHROMA__URL", "ftp://box"),
        ("RAG_CHROMA__URL", "scripted:"),
        ("RAG_CACHE__URL", "http://127.0.0.1:6379"),
        ("RAG_OLLAMA__KEEP_ALIVE", "30 minutes"),
        ("RAG_ROUTING__MODELS__SIMPLE", ""),
    ],
)
def test_what_could_never_work_is_refused_at_the_start(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    (problem,) = problems(environment, **{name: value}).values()
    assert problem.variable == name
    assert not value or value not in str(problem).removeprefix(name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RAG_OLLAMA__URL", "scripted:"),
        ("RAG_OLLAMA__URL", "https://user:word@box.example/ollama"),
        ("RAG_OLLAMA__URL", "http://[::1]:11434"),
        ("RAG_CHROMA__URL", ""),
        ("RAG_CACHE__URL", "unix:///run/valkey.sock"),
        ("RAG_CACHE__URL", "rediss://box:6379/1"),
        ("RAG_OLLAMA__KEEP_ALIVE", "-1"),
        ("RAG_OLLAMA__KEEP_ALIVE", "1h30m"),
        ("RAG_OLLAMA__KEEP_ALIVE", "90"),
    ],
)
def test_what_can_work_is_taken_as_it_is(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    environment.setenv(name, value)
    found = load_settings()
    assert value in {found.ollama.url, found.chroma.url, found.cache.url, found.ollama.keep_alive}


def test_a_refused_value_is_never_shown(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("RAG_SERVER__PORT", "erag_secret")
    environment.setenv("RAG_API_KYE", "erag_secret")
    with pytest.raises(BadSettings) as caught:
        load_settings()
    assert "erag_secret" not in str(caught.value)
    assert "RAG_API_KEY" in str(caught.value)


def test_the_environment_is_prepared_only_where_nothing_is_said(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "7")
    prepare_environment()
    assert os.environ["OTEL_EXPORTER_OTLP_TIMEOUT"] == "7"
    assert os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] == "http"
    assert os.environ["OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED"] == "true"
    assert os.environ["ANONYMIZED_TELEMETRY"] == "False"


@pytest.mark.parametrize(("given", "used"), [("10000", "10"), ("1500", "1.5"), ("999", "999"), ("soon", "soon")])
def test_a_collectors_timeout_given_in_milliseconds_is_read_as_meant(
    environment: pytest.MonkeyPatch, given: str, used: str
) -> None:
    environment.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", given)
    environment.setenv("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", given)
    prepare_environment()
    assert os.environ["OTEL_EXPORTER_OTLP_TIMEOUT"] == used
    assert os.environ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"] == used


def test_every_field_below_a_group_has_a_default() -> None:
    assert isinstance(Settings(), Settings)
