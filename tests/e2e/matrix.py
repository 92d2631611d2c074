"""The matrix of signals: what each component is to show in Prometheus after real traffic, and with which labels."""

from collections.abc import Callable
from dataclasses import dataclass

from service.version import read_version
from tests.components.installation import SERVICE
from tests.components.ollama import CHAT_MODELS, EMBEDDING_MODEL

VERSION = read_version()


@dataclass(frozen=True)
class Signal:
    """One row: what `component` is to show, as a query that must answer something that `holds` and has these labels."""

    component: str
    what: str
    query: str
    holds: Callable[[float], bool]
    labels: dict[str, str]

    def __str__(self) -> str:
        return f"{self.component}-{self.what}"


def some(value: float) -> bool:
    """It has happened, or is there."""
    return value > 0


def none(value: float) -> bool:
    """It must not have happened, and is counted all the same."""
    return value == 0


def any_value(value: float) -> bool:
    """For gauges that may be 0 when all is well: the series must be there."""
    return value >= 0


def of_service(what: str, query: str, holds: Callable[[float], bool] = some) -> Signal:
    labels = {
        "job": SERVICE,
        "deployment_environment_name": "production",
        "service_version": VERSION,
    }
    return Signal("service", what, query, holds, labels)


def of(component: str, what: str, query: str, holds: Callable[[float], bool] = some) -> Signal:
    return Signal(component, what, query, holds, {"job": component, "deployment_environment_name": "production"})


ASKED = 'rag_ask_duration_seconds_count{{gen_ai_request_model="{}",outcome="ok"}}'
PHASES = ("load", "prompt_eval", "eval")
STAGES = ("route", "cache_lookup", "embed", "retrieve", "prompt", "admission", "generate", "cache_store")

MATRIX = (
    # Prometheus makes it, even when the service cannot say its version.
    Signal("service", "up", f'up{{job="{SERVICE}"}}', some, {"deployment_environment_name": "production"}),
    of_service("requests", 'rag_http_request_duration_seconds_count{route="/ask",method="POST",status_class="2xx"}'),
    of_service(
        "requests refused", 'rag_http_request_duration_seconds_count{route="/ask",method="POST",status_class="4xx"}'
    ),
    of_service("request buckets", 'rag_http_request_duration_seconds_bucket{route="/ask",le="+Inf"}'),
    *(of_service(f"asks of {model}", ASKED.format(model)) for model in CHAT_MODELS),
    of_service("asks without context", 'rag_ask_duration_seconds_count{outcome="no_context"}'),
    of_service("ask buckets", 'rag_ask_duration_seconds_bucket{le="+Inf"}'),
    of_service("cache hits", 'rag_cache_requests_total{cache="answer",result="hit"}'),
    of_service("cache misses", 'rag_cache_requests_total{cache="answer",result="miss"}'),
    of_service("cache bypasses", 'rag_cache_requests_total{cache="answer",result="bypass"}'),
    of_service("cache entries", 'rag_cache_entries{cache="answer"}'),
    of_service("seconds saved", "rag_cache_saved_seconds_total"),
    *(of_service(f"stage {one}", f'rag_stage_duration_seconds_count{{stage="{one}",outcome="ok"}}') for one in STAGES),
    *(of_service(f"phase {one}", f'rag_llm_phase_duration_seconds_count{{phase="{one}"}}') for one in PHASES),
    of_service("calls of models", 'gen_ai_client_operation_duration_seconds_count{gen_ai_operation_name="chat"}'),
    of_service(
        "calls of the embedder",
        f'gen_ai_client_operation_duration_seconds_count{{gen_ai_request_model="{EMBEDDING_MODEL}"}}',
    ),
    of_service("searches", 'gen_ai_client_operation_duration_seconds_count{gen_ai_operation_name="retrieval"}'),
    of_service("first chunks", "gen_ai_client_operation_time_to_first_chunk_seconds_count"),
    of_service("first answers", "rag_llm_time_to_first_answer_seconds_count"),
    of_service("tokens read", "gen_ai_client_inference_usage_input_tokens_total"),
    of_service("tokens written", "gen_ai_client_inference_usage_output_tokens_total"),
    of_service("ends of answers", "rag_llm_finish_total"),
    of_service("decisions", 'rag_routing_decisions_total{reason="policy"}'),
    of_service("wishes", 'rag_routing_decisions_total{reason="requested"}'),
    of_service("errors", 'rag_errors_total{error_type="model_not_found"}'),
    of_service("documents added", 'rag_ingest_documents_total{result="added"}'),
    of_service("documents refused", 'rag_ingest_documents_total{result="rejected"}'),
    of_service("documents", "rag_corpus_documents"),
    of_service("Ollama", 'rag_dependency_up{dependency="ollama"}', some),
    of_service("Chroma", 'rag_dependency_up{dependency="chroma"}', some),
    of_service("models loaded", "rag_ollama_model_resident"),
    of_service("what is missing", "rag_degraded", none),
    of_service("targets", "rag_slo_target_ratio"),
    of_service("build", f'rag_build_info{{version="{VERSION}",environment="production"}}'),
    of_service("spans delivered", 'rag_trace_spans_total{result="delivered"}'),
    of_service("SDK, processed", "otel_sdk_processor_span_processed_total"),
    of_service("SDK, queue", "otel_sdk_processor_span_queue_size", any_value),
    of_service("SDK, capacity", "otel_sdk_processor_span_queue_capacity"),
    of_service("telemetry is sound", "rag_telemetry_problems_total", none),
    of_service("process", "process_resident_memory_bytes"),
    of("otelcol", "up", 'up{job="otelcol"}'),
    of("otelcol", "accepted", "otelcol_receiver_accepted_spans"),
    of("otelcol", "sent", "otelcol_exporter_sent_spans"),
    of("otelcol", "queue", "otelcol_exporter_queue_size", any_value),
    of("otelcol", "capacity", "otelcol_exporter_queue_capacity"),
    of("otelcol", "memory", "otelcol_process_memory_rss"),
    of("prometheus", "up", 'up{job="prometheus"}'),
    of("prometheus", "scrapes", 'scrape_samples_scraped{job="prometheus"}'),
    of("prometheus", "exemplars", "prometheus_tsdb_exemplar_exemplars_in_storage"),
    of("prometheus", "configuration", "prometheus_config_last_reload_successful"),
    of("prometheus", "WAL is sound", "prometheus_tsdb_wal_corruptions_total", none),
    of("alertmanager", "up", 'up{job="alertmanager"}'),
    of("alertmanager", "configuration", "alertmanager_config_last_reload_successful"),
    of("alertmanager", "alerts", "alertmanager_alerts", any_value),
    of("tempo", "up", 'up{job="tempo"}'),
    of("tempo", "received", "tempo_distributor_spans_received_total"),
    of("grafana", "up", 'up{job="grafana"}'),
    of("grafana", "build", "grafana_build_info"),
)
