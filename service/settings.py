"""Every setting, with its default and meaning; the only place that reads the environment.

Names are `RAG_<GROUP>__<FIELD>`, but for those that others own: ENVIRONMENT, LOG_LEVEL, ALERT_RECEIVERS and
OpenTelemetry's variables, which keep their names and meaning. Nothing below the composition root imports this; settings
are handed down as values.
"""

import difflib
import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_origin

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableValue

from service.setting_fields import allowed, group_of, variables
from service.setting_values import (
    OLLAMA,
    CacheUrl,
    ChromaUrl,
    Duration,
    LogBytes,
    ModelName,
    OllamaUrl,
    TempoUrl,
    TracePageUrl,
)  # fmt: skip


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Server(_Group):
    """Where the API listens."""

    host: str = Field("127.0.0.1", description="Address to bind. Anything but loopback needs an API key.")
    port: int = Field(8001, ge=0, le=65535, description="Port of API and page; 0 takes a free one.")
    max_body_bytes: int = Field(1 << 20, ge=1024, description="Largest JSON body, counted while reading.")
    allowed_hosts: tuple[str, ...] = Field(
        (), description="Host names accepted besides loopback and the bound address (guards against DNS rebinding)."
    )
    published_on: str = Field("", description="Address of the host where a container's port is published, if it is.")
    drain_s: float = Field(5.0, ge=0, description="How long running answers may finish after SIGTERM.")
    body_timeout_s: float = Field(15.0, gt=0, description="A request body must have arrived within this time.")


class Metrics(_Group):
    """The second listener, for the scraper."""

    port: int = Field(9464, ge=0, le=65535, description="Port of the metrics listener; 0 = none.")
    host: str = Field("127.0.0.1", description="Address of the metrics listener.")


class Ollama(_Group):
    """The model server."""

    url: OllamaUrl = Field(OLLAMA, description="Its address; an absent server means extractive answers.")
    poll_s: float = Field(5.0, gt=0, description="Seconds between looks at installed and resident models.")
    connect_timeout_s: float = Field(2.0, gt=0, description="To open a connection.")
    keep_alive: Duration = Field("30m", description="How long a model stays loaded after an answer; -1 = for ever.")
    num_ctx: int = Field(8192, ge=256, description="Context window in tokens, the same for every call of a model.")
    think: bool = Field(False, description="Let capable models of the research tier think before they answer.")


class Chroma(_Group):
    """The vector store."""

    url: ChromaUrl = Field("", description="Address of a Chroma server; empty = embedded in this process.")
    timeout_s: float = Field(2.0, gt=0, description="Longest wait for one query.")


class Embedding(_Group):
    """The embedding model."""

    model: str = Field("nomic-embed-text", description="Embedding model in Ollama; empty = keyword search alone.")
    batch: int = Field(64, ge=1, le=512, description="Texts per call while ingesting.")
    timeout_s: float = Field(5.0, gt=0, description="Longest wait for a question's vector.")


class TierModels(_Group):
    """Which model serves which tier."""

    simple: ModelName = "llama3.2:3b"
    medium: ModelName = "llama3.1:latest"
    complex: ModelName = "qwen2.5-coder:14b"
    research: ModelName = "gpt-oss:20b"


class Routing(_Group):
    """How a model is chosen."""

    policy: Literal["scored", "seed"] = Field("scored", description="`seed` = the original fixed rules.")
    always_auto: bool = Field(False, description="Ignore the model named in a request.")
    models: TierModels = TierModels()
    extra_models: tuple[str, ...] = Field((), description="Further models that a request may name.")
    latency_budget_s: float = Field(20.0, gt=0, description="Expected wait above which a smaller model is taken.")


class Retrieval(_Group):
    """What counts as found."""

    top_k: int = Field(5, ge=1, le=50, description="Passages per answer unless the request says otherwise.")
    floor: float = Field(0.3, ge=0, le=1, description="Share of the question's meaning a passage must cover.")
    threads: int = Field(4, ge=1, le=64, description="Worker threads for Chroma and SQLite.")


class Ingestion(_Group):
    """Limits on documents."""

    max_file_bytes: int = Field(20 << 20, ge=1024)
    max_pages: int = Field(2000, ge=1)
    max_chunks: int = Field(20000, ge=1, description="Per document.")
    chunk_chars: int = Field(900, ge=100, description="Target size of a chunk in characters.")
    parse_timeout_s: float = Field(60.0, gt=0, description="Longest time to read one file.")
    parse_memory_bytes: int = Field(1 << 30, ge=1 << 26, description="Address space of the reading process.")


class CacheSettings(_Group):
    """Answers kept."""

    max_entries: int = Field(1000, ge=0)
    ttl_s: float = Field(3600.0, ge=0)
    max_bytes: int = Field(64 << 20, ge=0)
    extractive_ttl_s: float = Field(60.0, ge=0, description="Answers made without a model are kept this long only.")
    url: CacheUrl = Field("", description="redis:// address shared by replicas; empty = this process and SQLite.")


class AdmissionSettings(_Group):
    """Per model: how many run, how many wait."""

    slots: int = Field(1, ge=1, description="Should equal OLLAMA_NUM_PARALLEL.")
    waiting: int = Field(16, ge=0)


class DeadlineSettings(_Group):
    """Longest waits in seconds."""

    total_s: float = Field(120.0, gt=0)
    queue_s: float = Field(5.0, gt=0)
    first_token_s: float = Field(60.0, gt=0, description="Covers a cold load.")
    between_tokens_s: float = Field(15.0, gt=0)


class Auth(_Group):
    """Who may ask."""

    mode: Literal["auto", "keys", "open"] = Field(
        "auto", description="auto = open on loopback while no key exists, else keys."
    )
    keys_file: Path | None = Field(None, description="Default: keys.json in the data folder.")


class Traces(_Group):
    """Where finished traces can be looked at. The service itself keeps the latest in memory."""

    tempo_url: TempoUrl = Field("", description="Address of Tempo, asked for traces that are no longer in memory.")
    tempo_timeout_s: float = Field(5.0, gt=0, description="Longest wait for Tempo.")
    page_url: TracePageUrl = Field("", description="Page of one trace, with {trace_id} in it; empty = none.")


class SlowLogSettings(_Group):
    """Queries of the last 7 days, kept over restarts."""

    max_bytes: LogBytes = Field(
        128 << 20, description="Most that its file may take, at least 8 MiB; 0 = in memory only."
    )


class Slo(_Group):
    """Published as gauges for the alert rules."""

    target_ratio: float = Field(0.95, gt=0, lt=1)
    simple_s: float = 5.12
    medium_s: float = 10.24
    complex_s: float = 29.0
    research_s: float = 58.0


class Settings(BaseSettings):
    """The whole tree. Unknown RAG_ variables are refused, so that a typing error is seen."""

    model_config = SettingsConfigDict(
        env_prefix="RAG_",
        env_nested_delimiter="__",
        frozen=True,
        extra="ignore",
        nested_model_default_partial_update=True,
    )

    environment: Annotated[str, Field(validation_alias=AliasChoices("ENVIRONMENT", "environment"))] = "production"
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"], Field(validation_alias=AliasChoices("LOG_LEVEL", "log_level"))
    ] = "INFO"
    service_name: Annotated[str, Field(validation_alias=AliasChoices("OTEL_SERVICE_NAME", "service_name"))] = (
        "emini-rag"
    )
    otlp_endpoint: Annotated[
        str, Field(validation_alias=AliasChoices("OTEL_EXPORTER_OTLP_ENDPOINT", "otlp_endpoint"))
    ] = ""
    otlp_traces_endpoint: Annotated[
        str, Field(validation_alias=AliasChoices("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "otlp_traces_endpoint"))
    ] = ""
    capture_content: Annotated[
        Literal["NO_CONTENT", "SPAN_ONLY"],
        Field(validation_alias=AliasChoices("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "capture_content")),
    ] = "NO_CONTENT"
    # Of the Prometheus beside it: None = none is meant to be there, empty = alerts fire and nobody is told.
    alert_receivers: Annotated[
        str | None, Field(validation_alias=AliasChoices("ALERT_RECEIVERS", "alert_receivers"))
    ] = None
    revision: str = Field("unknown", description="Source revision, set when an image is built.")
    api_key: SecretStr = Field(SecretStr(""), description="Key that the commands send to a running service.")

    data_dir: Path = Path("data")
    documents_dir: Path = Path("documents")
    server: Server = Server()
    metrics: Metrics = Metrics()
    ollama: Ollama = Ollama()
    chroma: Chroma = Chroma()
    embedding: Embedding = Embedding()
    routing: Routing = Routing()
    retrieval: Retrieval = Retrieval()
    ingestion: Ingestion = Ingestion()
    cache: CacheSettings = CacheSettings()
    admission: AdmissionSettings = AdmissionSettings()
    deadlines: DeadlineSettings = DeadlineSettings()
    auth: Auth = Auth()
    traces: Traces = Traces()
    slow_log: SlowLogSettings = SlowLogSettings()
    slo: Slo = Slo()

    @property
    def keys_file(self) -> Path:
        """Where API keys are kept."""
        return self.auth.keys_file or self.data_dir / "keys.json"

    @property
    def traces_url(self) -> str:
        """Where spans go: the traces' own address as it is, else the common one and a path (OpenTelemetry's rule)."""
        if self.otlp_traces_endpoint or not self.otlp_endpoint:
            return self.otlp_traces_endpoint
        return f"{self.otlp_endpoint.rstrip('/')}/v1/traces"

    @property
    def chat_models(self) -> tuple[str, ...]:
        """The allow-list of models that may answer, without repeats, tiers first."""
        models = self.routing.models
        named = (models.simple, models.medium, models.complex, models.research, *self.routing.extra_models)
        return tuple(dict.fromkeys(named))


# OpenTelemetry's own variables that must have these values for our names to be true; set only where absent.
_OTEL_DEFAULTS = {
    "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
    "OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED": "true",
    "OTEL_EXPORTER_OTLP_TIMEOUT": "2",
    "ANONYMIZED_TELEMETRY": "False",
}
# OpenTelemetry's specification says milliseconds, its Python SDK reads seconds. Nobody waits this long for a Collector.
_OTEL_TIMEOUTS = ("OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT")
_SURELY_MS = 1000


def prepare_environment() -> None:
    """Give OpenTelemetry and Chroma the defaults this service needs. Called once, before either is imported."""
    for name, value in _OTEL_DEFAULTS.items():
        os.environ.setdefault(name, value)
    for name in _OTEL_TIMEOUTS:
        value = os.environ.get(name, "")
        if value.isdecimal() and int(value) >= _SURELY_MS:
            os.environ[name] = f"{int(value) / 1000:g}"


# Variables with our prefix that others read: the tests' fixtures and Compose.
_FOREIGN = frozenset({"RAG_COMPONENTS_DIR", "RAG_REQUIRE_COMPONENTS", "RAG_BIND"})


@dataclass(frozen=True, slots=True)
class SettingProblem:
    """One variable that cannot be used. Never holds its value, which may be a secret."""

    variable: str
    wrong: str
    allowed: str = ""

    def __str__(self) -> str:
        return f"{self.variable}: {self.wrong}" + (f" (allowed: {self.allowed})" if self.allowed else "")


class BadSettings(ValueError):
    """The environment cannot be used; `problems` names every variable at fault at once."""

    def __init__(self, problems: Iterable[SettingProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def load_settings() -> Settings:
    """Read the environment. Raises `BadSettings`, also for a RAG_ variable that no setting knows."""
    prepare_environment()
    known = dict(variables(Settings))
    unknown = [_unknown(name, known) for name in sorted(os.environ) if _is_ours(name) and name.upper() not in known]
    try:
        settings = Settings()
    except ValidationError as error:
        raise BadSettings([*unknown, *_invalid(error, known, {one.variable.upper() for one in unknown})]) from error
    except UnreadableValue as error:
        raise BadSettings([*unknown, *_unreadable(known)]) from error
    if unknown:
        raise BadSettings(unknown)
    return settings


def _is_ours(name: str) -> bool:
    return name.upper().startswith("RAG_") and name.upper() not in _FOREIGN


def _unknown(name: str, known: Mapping[str, FieldInfo]) -> SettingProblem:
    single = [variable for variable, field in known.items() if group_of(field) is None]
    close = difflib.get_close_matches(name.upper(), single, n=1)
    meant = f"; did you mean {close[0]}?" if close else "; the README lists those that there are"
    return SettingProblem(name, f"no setting has this name{meant}")


def _invalid(
    error: ValidationError, known: Mapping[str, FieldInfo], unknown: Collection[str]
) -> Iterator[SettingProblem]:
    for one in error.errors(include_url=False, include_input=False):
        path = "__".join(map(str, one["loc"])).upper()
        if f"RAG_{path}" in unknown:
            continue  # told already, with the name that was meant
        # What is wrong inside a list or a group lies below the variable that was set.
        above = [name for name in known if any(f"{of}__".startswith(f"{name}__") for of in (path, f"RAG_{path}"))]
        variable = max(above, key=len, default=path)
        inside = f"{one['loc'][-1]}: " if one["type"] == "extra_forbidden" else ""
        wrong = one["msg"][:1].lower() + one["msg"][1:]
        yield SettingProblem(variable, inside + wrong, allowed(known.get(variable)))


def _unreadable(known: Mapping[str, FieldInfo]) -> Iterator[SettingProblem]:
    """Lists and whole groups are written as JSON; the error of the library names the group only."""
    for name in sorted(os.environ):
        field = known.get(name.upper())
        if field is not None and (get_origin(field.annotation) is tuple or group_of(field)) and _not_json(name):
            yield SettingProblem(name, "is not valid JSON", allowed(field))


def _not_json(name: str) -> bool:
    try:
        json.loads(os.environ[name])
    except ValueError:
        return True
    return False
