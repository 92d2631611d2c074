"""Every name that telemetry uses: metrics with labels and buckets, spans, attributes. None is written elsewhere.

Metrics, dashboards, rules, tests and docs read these records. Label values are closed vocabularies taken from the
domain's own enums; the only open ones are bounded in number. Conventions: OpenTelemetry GenAI as of v1.41.1 for what
it defines (`gen_ai_*`), own names (`rag_*`) for the rest; base units; one label for the model everywhere.
"""

from collections.abc import Iterable
from enum import StrEnum

from service.admission.port import RejectReason
from service.ask.types import Degradation, Outcome, Stage
from service.cache.port import CacheName, CacheResult, EvictionReason
from service.corpus.port import IngestResult
from service.errors import Dependency, ErrorKind
from service.generation.port import FinishReason
from service.routing.port import RouteReason, Tier
from service.telemetry.buckets import AGES, COUNTS, HOLDS, L2, L, T
from service.telemetry.metric import (
    CHAT_MODELS,
    CHAT_MODELS_OR_NONE,
    MODELS,
    MODELS_OR_NONE,
    Kind,
    Label,
    Metric,
    Open,
    Source,
)
from service.telemetry.vocabulary import (
    COLLECTION,
    NO_MODEL,
    OTHER,
    SUCCESS,
    AskCache,
    Export,
    HoldEnd,
    Operation,
    Phase,
    Problem,
    Provider,
    Start,
    StatusClass,
)

# On every sample of the page, so that Prometheus tells environments and versions apart, with the value that spans carry
# in their resource. No metric may have a label of its own by these names.
CONSTANT_LABELS = {"deployment_environment_name": "deployment.environment.name", "service_version": "service.version"}

# What one instance may expose at most; it grows only with configured models. Label sets that come up share it: see
# `Meters`, which folds what does not fit into few sets per metric instead of growing without end.
# Room for a day on which the usual models answer questions of every tier, by name and by choice, and fail in every way.
SERIES_BUDGET = 10_500
SERIES_PER_FURTHER_MODEL = 1_700
USUAL_CHAT_MODELS = 4
# Kept free for what others put on the same page: the process, the garbage collector, OpenTelemetry's own metrics.
FOREIGN_SERIES = 100


def series_budget(chat_models: int) -> int:
    """What all metrics of this catalogue may expose together."""
    return SERIES_BUDGET + SERIES_PER_FURTHER_MODEL * max(0, chat_models - USUAL_CHAT_MODELS) - FOREIGN_SERIES


def worst_case_series(chat_models: int, metrics: Iterable[Metric] | None = None) -> int:
    """The most that this catalogue can expose, whatever happens: products, held down by the shared budget."""
    chosen = METRICS if metrics is None else tuple(metrics)
    return min(sum(metric.product(chat_models) for metric in chosen), series_budget(chat_models))


def _words(values: Iterable[StrEnum], *more: str) -> tuple[str, ...]:
    return (*(value.value for value in values), *more)


_TIER = Label("tier", _words(Tier))
_TIER_OR_NONE = Label("tier", _words(Tier, NO_MODEL))
MODEL_LABEL = "gen_ai_request_model"
_CHAT = Label(MODEL_LABEL, CHAT_MODELS)
_CHAT_OR_NONE = Label(MODEL_LABEL, CHAT_MODELS_OR_NONE)
_ANY_MODEL = Label(MODEL_LABEL, MODELS)
_ERROR = Label("error_type", (SUCCESS, *_words(ErrorKind)))
_CACHE = Label("cache", _words(CacheName))
_COLLECTION = Label("collection", (COLLECTION,))
_DEPENDENCY = Label("dependency", _words(Dependency))


_CALL = (
    Label("gen_ai_operation_name", (Operation.CHAT, Operation.EMBEDDINGS, Operation.RETRIEVAL)),
    Label("gen_ai_provider_name", _words(Provider)),
    Label(MODEL_LABEL, MODELS_OR_NONE),
    _ERROR,
)
_STREAM = (Label("gen_ai_operation_name", (Operation.CHAT,)), Label("gen_ai_provider_name", (Provider.OLLAMA,)))


def _seconds(name: str, text: str, *labels: Label, buckets: tuple[float, ...] = L, at_start: bool = False) -> Metric:
    return Metric(name, Kind.HISTOGRAM, text, "seconds", labels, buckets, at_start=at_start)


def _counted(name: str, text: str, *labels: Label, unit: str = "", at_start: bool = True) -> Metric:
    return Metric(name, Kind.COUNTER, text, unit, labels, at_start=at_start)


def _seen(name: str, text: str, *labels: Label, unit: str = "", kind: Kind = Kind.GAUGE) -> Metric:
    return Metric(name, kind, text, unit, labels, source=Source.SNAPSHOT)


HTTP_DURATION = _seconds(
    "rag_http_request_duration_seconds",
    "Time from a request's first byte to its answer's last, by route template.",
    Label("route", Open(32)),
    Label("method", ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", OTHER)),
    Label("status_class", _words(StatusClass), kept=True),
    buckets=L2,
)
ASK_DURATION = _seconds(
    "rag_ask_duration_seconds",
    "Time of a whole question, failures and cancelled ones too; model none = no model answered, cold = it was loaded.",
    _CHAT_OR_NONE,
    _TIER_OR_NONE,
    Label("cache", _words(AskCache)),
    Label("outcome", _words(Outcome), kept=True),
    Label("start", _words(Start)),
)
STAGE_DURATION = _seconds(
    "rag_stage_duration_seconds",
    "Time of one stage of an answer. Stages are disjoint: with the unaccounted rest they sum to the whole.",
    Label("stage", _words(Stage)),
    Label("outcome", (Outcome.OK, Outcome.REJECTED, Outcome.ERROR), kept=True),
    buckets=L2,
)
CALL_DURATION = _seconds(
    "gen_ai_client_operation_duration_seconds", "Time of one call of a model, an embedder or the retriever.", *_CALL
)
FIRST_CHUNK = _seconds(
    "gen_ai_client_operation_time_to_first_chunk_seconds",
    "Time from a streaming call to its first chunk, thinking included.",
    *_STREAM,
    _CHAT,
    _ERROR,
)
INPUT_TOKENS = _counted(
    "gen_ai_client_inference_usage_input_tokens_total", "Tokens of prompts, as the server counts.", _CHAT, unit="tokens"
)
OUTPUT_TOKENS = _counted(
    "gen_ai_client_inference_usage_output_tokens_total", "Tokens written, thinking included.", _CHAT, unit="tokens"
)
PHASE_DURATION = _seconds(
    "rag_llm_phase_duration_seconds",
    "The model server's own account of a call: waiting, loading, reading the prompt, writing.",
    _CHAT,
    Label("phase", _words(Phase)),
    buckets=L2,
)
FIRST_ANSWER = _seconds(
    "rag_llm_time_to_first_answer_seconds", "Time from a streaming call to the first piece that is no thinking.", _CHAT
)
TOKENS_PER_SECOND = Metric(
    "rag_llm_output_tokens_per_second",
    Kind.HISTOGRAM,
    "Tokens written per second of writing, per answer.",
    labels=(_CHAT,),
    buckets=T,
)
FINISHES = _counted(
    "rag_llm_finish_total", "Answers of models by why they ended.", _CHAT, Label("reason", _words(FinishReason))
)
MODEL_LOADS = _counted("rag_llm_model_loads_total", "Answers for which the model had to be loaded first.", _CHAT)
CACHE_REQUESTS = _counted(
    "rag_cache_requests_total",
    "Lookups by result. A coalesced request looked up in vain and then shared the work of another: counted as both.",
    _CACHE,
    Label("result", _words(CacheResult)),
)
CACHE_HIT_AGE = _seconds("rag_cache_hit_age_seconds", "Age of what a hit found.", _CACHE, buckets=AGES, at_start=True)
ROUTING_DECISIONS = _counted(
    "rag_routing_decisions_total",
    "Questions by tier, answering model and why that model.",
    _TIER,
    _CHAT_OR_NONE,
    Label("reason", _words(RouteReason)),
    at_start=False,
)
ERRORS = _counted(
    "rag_errors_total",
    "Questions that failed, by the stage that failed and why; a client that leaves is cancelled.",
    Label("stage", _words(Stage, OTHER)),
    Label("error_type", _words(ErrorKind)),
    at_start=False,
)
REJECTIONS = _counted(
    "rag_admission_rejected_total", "Questions turned away.", _CHAT, Label("reason", _words(RejectReason))
)
RETRIEVAL_RESULTS = Metric(
    "rag_retrieval_results",
    Kind.HISTOGRAM,
    "Passages above the floor, per search.",
    labels=(_COLLECTION,),
    buckets=COUNTS,
    at_start=True,
)
NO_CONTEXT = _counted("rag_retrieval_no_context_total", "Answers that say: not in the documents.", _COLLECTION)
INGEST_DURATION = _seconds("rag_ingest_duration_seconds", "Time to make one document findable.", at_start=True)
INGESTED = _counted(
    "rag_ingest_documents_total", "Documents by what became of them.", Label("result", _words(IngestResult))
)
CHECKPOINT_PAUSE = _seconds(
    "rag_checkpoint_pause_seconds",
    "Time for which writers were kept out while the documents were copied; expired = whoever held them out was gone.",
    Label("result", _words(HoldEnd)),
    buckets=HOLDS,
    at_start=True,
)
TRACE_SPANS_ENDED = _counted(
    "rag_trace_spans_ended_total",
    "Sampled spans meant for the Collector. What neither was delivered nor is queued is lost: exact, also when dead.",
)
TRACE_SPANS = _counted(
    "rag_trace_spans_total",
    "Spans sent to the Collector; failed ones are lost. Those dropped from a full queue: the SDK's queue_full.",
    Label("result", _words(Export)),
)
PROBLEMS = _counted(
    "rag_telemetry_problems_total",
    "Faults inside telemetry: a value outside its vocabulary, the series budget reached, recording failed.",
    Label("problem", _words(Problem)),
)

CACHE_ENTRIES = _seen("rag_cache_entries", "Entries kept now.", _CACHE)
CACHE_SIZE = _seen("rag_cache_size_bytes", "Bytes kept now.", _CACHE, unit="bytes")
CACHE_EVICTIONS = _seen(
    "rag_cache_evictions_total",
    "Entries that left, by why.",
    _CACHE,
    Label("reason", _words(EvictionReason)),
    kind=Kind.COUNTER,
)
CACHE_SAVED = _seen(
    "rag_cache_saved_seconds_total", "Time that hits did not cost.", _CACHE, unit="seconds", kind=Kind.COUNTER
)
ADMISSION_IN_FLIGHT = _seen("rag_admission_in_flight", "Questions at a model now.", _CHAT)
ADMISSION_WAITING = _seen("rag_admission_waiting", "Questions waiting for a place now.", _CHAT)
ADMISSION_CAPACITY = _seen("rag_admission_capacity", "Places of a model.", _CHAT)
DEGRADED = _seen("rag_degraded", "1 while this is missing.", Label("feature", _words(Degradation)))
CORPUS_DOCUMENTS = _seen("rag_corpus_documents", "Documents that can be found.")
CORPUS_CHUNKS = _seen("rag_corpus_chunks", "Chunks that can be found.")
CORPUS_VERSION = _seen("rag_corpus_version", "Rises with every change that can change an answer.")
OLLAMA_UP = _seen("rag_ollama_up", "1 when the last poll was answered.")
OLLAMA_SIZE = _seen("rag_ollama_model_size_bytes", "Memory of a loaded model.", _ANY_MODEL, unit="bytes")
OLLAMA_VRAM = _seen("rag_ollama_model_vram_bytes", "Its part on the GPU.", _ANY_MODEL, unit="bytes")
OLLAMA_RESIDENT = _seen("rag_ollama_model_resident", "1 while a model is loaded.", _ANY_MODEL)
OLLAMA_EXPIRES = _seen(
    "rag_ollama_model_expires_timestamp_seconds", "When a model will be unloaded.", _ANY_MODEL, unit="seconds"
)
OLLAMA_INFO = _seen(
    "rag_ollama_model_info",
    "Which build of a model is installed; a new digest explains a change.",
    _ANY_MODEL,
    Label("digest", Open(1)),
    Label("quantization", Open(1)),
    Label("parameter_size", Open(1)),
    kind=Kind.INFO,
)
OLLAMA_SWAPS = _seen("rag_ollama_model_swaps_total", "Changes of the loaded set seen.", kind=Kind.COUNTER)
OLLAMA_POLL_ERRORS = _seen("rag_ollama_poll_errors_total", "Polls without an answer.", kind=Kind.COUNTER)
DEPENDENCY_UP = _seen("rag_dependency_up", "1 while it answers.", _DEPENDENCY)
BREAKER_STATE = _seen(
    "rag_breaker_state", "0 closed, 1 half open, 2 open; named ollama or ollama/<model>.", Label("dependency", Open(12))
)
DISK_FREE = _seen("rag_data_disk_free_ratio", "Free share of the disk under the data folder.", unit="ratio")
SLO_THRESHOLD = _seen(
    "rag_slo_latency_threshold_seconds", "An answer slower than this is a bad one.", _TIER, unit="seconds"
)
SLO_TARGET = _seen("rag_slo_target_ratio", "Share of good answers aimed at.", _TIER, unit="ratio")
BUILD_INFO = _seen(
    "rag_build_info",
    "Which build this is.",
    *(Label(name, Open(1)) for name in ("version", "revision", "environment", "python")),
    kind=Kind.INFO,
)

METRICS: tuple[Metric, ...] = tuple(value for value in tuple(globals().values()) if isinstance(value, Metric))
EVENT_METRICS = tuple(metric for metric in METRICS if metric.source is Source.EVENT)
SNAPSHOT_METRICS = tuple(metric for metric in METRICS if metric.source is Source.SNAPSHOT)


class SpanName:
    """Names of spans. Those of calls end with a model or a collection: see the functions of the wrappers."""

    ASK = "invoke_workflow ask"
    ROUTE = "route"
    CACHE_LOOKUP = "cache lookup"
    CACHE_STORE = "cache store"
    COALESCE = "coalesce"
    EMBEDDINGS = "embeddings {}"
    RETRIEVAL = "retrieval {}"
    SEARCH_FTS = "search fts"
    PROMPT = "prompt"
    EXTRACT = "extract"
    ADMISSION = "admission"
    CHAT = "chat {}"
    OLLAMA_PHASES = (
        (Phase.QUEUE, "ollama queue"),
        (Phase.LOAD, "ollama load"),
        (Phase.PROMPT_EVAL, "ollama prompt eval"),
        (Phase.EVAL, "ollama eval"),
    )
    INGEST = "ingest document"
    INGEST_FOLDER = "ingest folder"
    CHECKPOINT = "checkpoint"
    RESTORE = "restore"


class Attribute:
    """Keys of span attributes. Durations are in seconds."""

    HTTP_ROUTE = "http.route"
    URL_PATH = "url.path"
    ERROR_TYPE = "error.type"
    EXCEPTION = "exception"
    EXCEPTION_TYPE = "exception.type"
    EXCEPTION_MESSAGE = "exception.message"
    EXCEPTION_STACKTRACE = "exception.stacktrace"
    SERVER_ADDRESS = "server.address"
    SERVER_PORT = "server.port"
    PEER = "service.peer.name"
    OPERATION = "gen_ai.operation.name"
    PROVIDER = "gen_ai.provider.name"
    WORKFLOW = "gen_ai.workflow.name"
    REQUEST_MODEL = "gen_ai.request.model"
    REQUEST_STREAM = "gen_ai.request.stream"
    TEMPERATURE = "gen_ai.request.temperature"
    MAX_TOKENS = "gen_ai.request.max_tokens"
    RESPONSE_MODEL = "gen_ai.response.model"
    FINISH_REASONS = "gen_ai.response.finish_reasons"
    FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
    INPUT_TOKENS = "gen_ai.usage.input_tokens"
    OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
    INPUT_MESSAGES = "gen_ai.input.messages"
    OUTPUT_MESSAGES = "gen_ai.output.messages"
    DIMENSIONS = "gen_ai.embeddings.dimension.count"
    DATA_SOURCE = "gen_ai.data_source.id"
    TOP_K = "gen_ai.retrieval.top_k"
    DB_SYSTEM = "db.system.name"
    DB_COLLECTION = "db.collection.name"
    DB_OPERATION = "db.operation.name"
    DB_BATCH_SIZE = "db.operation.batch.size"
    DB_RETURNED = "db.response.returned_rows"

    OLLAMA_TOTAL = "ollama.total_duration"
    OLLAMA_QUEUE = "ollama.queue_duration"
    OLLAMA_LOAD = "ollama.load_duration"
    OLLAMA_PROMPT_EVAL = "ollama.prompt_eval_duration"
    OLLAMA_EVAL = "ollama.eval_duration"
    OLLAMA_DIGEST = "ollama.model.digest"

    TIER = "rag.tier"
    MODE = "rag.mode"
    OUTCOME = "rag.outcome"
    DEGRADED = "rag.degraded"
    UNACCOUNTED = "rag.unaccounted_s"
    STAGE = "rag.stage"
    CACHE_NAME = "rag.cache.name"
    CACHE_RESULT = "rag.cache.result"
    CACHE_AGE = "rag.cache.age_s"
    CACHE_SAVED = "rag.cache.saved_s"
    CACHE_STORED = "rag.cache.stored"
    CACHE_BYTES = "rag.cache.bytes"
    ROUTE_REQUESTED = "rag.route.requested"
    ROUTE_CHOSEN = "rag.route.chosen"
    ROUTE_TIER = "rag.route.tier"
    ROUTE_REASON = "rag.route.reason"
    ROUTE_REASONS = "rag.route.reasons"
    ROUTE_FALLBACKS = "rag.route.fallbacks"
    FEATURE = "rag.route.feature.{}"
    PURPOSE = "rag.embedding.purpose"
    TEXTS = "rag.embedding.texts"
    PROMPT_CHARS = "rag.prompt.chars"
    PROMPT_TOKENS = "rag.prompt.tokens_estimate"
    PROMPT_USED = "rag.prompt.chunks_used"
    PROMPT_DROPPED = "rag.prompt.chunks_dropped"
    RETURNED = "rag.retrieval.returned"
    CANDIDATES = "rag.retrieval.candidates.{}"
    BEST_SCORE = "rag.retrieval.best_score"
    BEST_DISTANCE = "rag.retrieval.best_distance"
    THREAD_WAIT = "rag.retrieval.waited_s"
    ADMISSION_WAITED = "rag.admission.waited_s"
    ADMISSION_AHEAD = "rag.admission.ahead"
    ADMISSION_REASON = "rag.admission.reason"
    EXCERPTS = "rag.extract.excerpts"
    FIRST_ANSWER = "rag.llm.time_to_first_answer"
    THINKING_CHUNKS = "rag.llm.thinking_chunks"
    PROMPT_TRUNCATED = "rag.llm.prompt_truncated"
    COLD = "rag.cold"
    INGEST_RESULT = "rag.ingest.result"
    INGEST_CHUNKS = "rag.ingest.chunks"
    INGEST_BYTES = "rag.ingest.bytes"
    INGEST_DOCUMENTS = "rag.ingest.documents"
    CHECKPOINT_NAME = "rag.checkpoint.name"
    CHECKPOINT_RESULT = "rag.checkpoint.result"
