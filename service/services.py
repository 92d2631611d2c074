"""What the routes and commands work with: every capability by its port, filled in by `bootstrap.py`.

Owns no behaviour. Standard library and ports only, so that whoever reads it knows the whole service without a vendor.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from service.admission.port import Limiter
from service.alert_receivers import AlertDelivery
from service.ask.types import Asker, TraceRef
from service.auth.principal import Principal
from service.cache.port import Cache, CacheName
from service.corpus.port import Corpus, WriteGate
from service.generation.port import Health
from service.monitoring.port import Monitor, SlowLog, Traces
from service.retrieval.port import Retriever
from service.routing.port import ModelDirectory, Tier


@dataclass(frozen=True, slots=True)
class About:
    """Who is answering. `trace_url` is the address of a trace, with `{trace_id}` in it; empty = traces have no page.
    `alerts` is what becomes of alerts about it."""

    service: str
    version: str
    revision: str
    environment: str
    trace_url: str = ""
    alerts: AlertDelivery = AlertDelivery.OFF


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Bounds of the HTTP interface. Sizes in bytes, times in seconds.

    `allowed_hosts` are names accepted in the Host header besides loopback and `bound_host`.
    """

    max_body_bytes: int = 1 << 20
    max_file_bytes: int = 20 << 20
    body_timeout_s: float = 15.0
    max_question_chars: int = 8000
    max_top_k: int = 50
    bound_host: str = "127.0.0.1"
    allowed_hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AskDefaults:
    """What a request gets that does not say otherwise."""

    temperature: float = 0.1
    max_tokens: int = 2000
    top_k: int = 5


@dataclass(frozen=True, slots=True)
class DependencyStatus:
    """Result of one probe. `required` ones decide readiness; `detail` says what is wrong and what to do."""

    name: str
    ok: bool
    required: bool
    detail: str = ""


class Gate(Protocol):
    """Who may come in. Raises `Unauthorized`."""

    async def admit(self, authorization: str | None) -> Principal:
        """`authorization` is the header's value, None when it is absent."""
        ...


class Probes(Protocol):
    """Looks at every dependency, each within 500 ms, at most once in two seconds."""

    async def check(self) -> tuple[DependencyStatus, ...]: ...


class Exposition(Protocol):
    """The metrics page. `accept` is the request's Accept header; rendering happens off the event loop."""

    async def render(self, accept: str) -> tuple[bytes, str]:
        """Body and content type."""
        ...


class Draining(Protocol):
    """Whether the service is on its way out: readiness fails first, then running answers get a bounded time."""

    @property
    def draining(self) -> bool: ...

    def on_cut(self, cut: Callable[[], None]) -> Callable[[], None]:
        """Have `cut` called, in the event loop, once that time is over. The function it returns takes this back."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """Everything behind the routes. `close` stops background work and gives every resource back, in order."""

    about: About
    limits: HttpLimits
    defaults: AskDefaults
    tiers: Mapping[Tier, str]
    chat_models: tuple[str, ...]
    embedding_model: str
    asker: Asker
    corpus: Corpus
    write_gate: WriteGate
    retriever: Retriever
    directory: ModelDirectory
    health: Health
    limiter: Limiter
    caches: Mapping[CacheName, Cache]
    gate: Gate
    monitor: Monitor
    slow_log: SlowLog
    traces: Traces
    probes: Probes
    exposition: Exposition
    draining: Draining
    load_times: Callable[[], Mapping[str, float]]
    current_trace: Callable[[], TraceRef]
    close: Callable[[], Awaitable[None]]
