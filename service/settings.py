"""Every setting, with its default and meaning; the only place that reads the environment.

Names are `RAG_<GROUP>__<FIELD>`, but for those that others own: ENVIRONMENT, LOG_LEVEL and OpenTelemetry's variables,
which keep their names and meaning. Settings are frozen and handed down as values; nothing below the composition root
imports this module.
"""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings, SettingsConfigDict


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
    drain_s: float = Field(5.0, ge=0, description="How long running answers may finish after SIGTERM.")
    body_timeout_s: float = Field(15.0, gt=0, description="A request body must have arrived within this time.")


class Metrics(_Group):
    """The second listener, for the scraper."""

    port: int = Field(9464, ge=0, le=65535, description="Port of the metrics listener; 0 = none.")
    host: str = Field("127.0.0.1", description="Address of the metrics listener.")


class Ollama(_Group):
    """The model server."""

    url: str = Field("http://127.0.0.1:11434", description="Its address; an absent server means extractive answers.")
    poll_s: float = Field(5.0, gt=0, description="Seconds between looks at installed and resident models.")
    connect_timeout_s: float = Field(2.0, gt=0, description="To open a connection.")
    keep_alive: str = Field("30m", description="How long a model stays loaded after an answer.")
    num_ctx: int = Field(8192, ge=256, description="Context window in tokens, the same for every call of a model.")
    think: bool = Field(False, description="Let capable models of the research tier think before they answer.")


class Chroma(_Group):
    """The vector store."""

    url: str = Field("", description="Address of a Chroma server; empty = embedded in this process.")
    timeout_s: float = Field(2.0, gt=0, description="Longest wait for one query.")


class Embedding(_Group):
    """The embedding model."""

    model: str = Field("nomic-embed-text", description="Embedding model in Ollama; empty = keyword search alone.")
    batch: int = Field(64, ge=1, le=512, description="Texts per call while ingesting.")
    timeout_s: float = Field(5.0, gt=0, description="Longest wait for a question's vector.")


class TierModels(_Group):
    """Which model serves which tier."""

    simple: str = "llama3.2:3b"
    medium: str = "llama3.1:latest"
    complex: str = "qwen2.5-coder:14b"
    research: str = "gpt-oss:20b"


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
    floor: float = Field(0.35, ge=0, le=1, description="Share of the question's meaning a passage must cover.")
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
    url: str = Field("", description="redis:// address shared by replicas; empty = this process and SQLite.")


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
    capture_content: Annotated[
        Literal["NO_CONTENT", "SPAN_ONLY"],
        Field(validation_alias=AliasChoices("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "capture_content")),
    ] = "NO_CONTENT"
    revision: str = Field("unknown", description="Source revision, set when an image is built.")

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
    slo: Slo = Slo()

    @property
    def keys_file(self) -> Path:
        """Where API keys are kept."""
        return self.auth.keys_file or self.data_dir / "keys.json"

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


def prepare_environment() -> None:
    """Give OpenTelemetry and Chroma the defaults this service needs. Called once, before either is imported."""
    for name, value in _OTEL_DEFAULTS.items():
        os.environ.setdefault(name, value)


def load_settings() -> Settings:
    """Read the environment. Raises `pydantic.ValidationError` naming each bad variable."""
    prepare_environment()
    return Settings()
