"""A service of fakes: everything the routes see, each part at hand for the test."""

from contextlib import AbstractAsyncContextManager, AbstractContextManager

from service.admission.port import Admission, Load
from service.ask.types import (
    Answer,
    AskEvent,
    AskResult,
    CacheFacts,
    Citation,
    Done,
    Mode,
    Outcome,
    Stage,
    Started,
    Timings,
    Token,
    TraceRef,
)
from service.auth.gate import OpenGate
from service.auth.principal import Principal, Scope
from service.cache.port import CacheName, CacheResult
from service.drain import Drain
from service.errors import Unauthorized
from service.routing.port import Features, Route, RouteReason, Tier
from service.services import About, AskDefaults, DependencyStatus, Gate, HttpLimits, Services
from tests.fakes.asker import FakeAsker
from tests.fakes.cache import FakeCache
from tests.fakes.corpus import FakeCorpus
from tests.fakes.health import FakeHealth
from tests.fakes.model_directory import FakeModelDirectory, snapshot_of
from tests.fakes.monitor import FakeMonitor
from tests.fakes.retriever import FakeRetriever
from tests.fakes.slow_log import FakeSlowLog
from tests.fakes.traces import FakeTraces
from tests.fakes.write_gate import FakeWriteGate

SMALL, LARGE, EMBEDDER = "llama3.2:3b", "hf.co/org/large:20b", "nomic-embed-text"
TRACE = TraceRef("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")

FEATURES = Features(4, 26, 1, 0, 0, 1, code=False)
ROUTE = Route("auto", Tier.SIMPLE, SMALL, SMALL, RouteReason.POLICY, ("4 words",), FEATURES)
ANSWER = Answer(
    text="Momentum trading buys what rises [1].",
    mode=Mode.GENERATED,
    model=SMALL,
    citations=(Citation("It buys what rises.", "momentum.md", "d1", "d1-0", 10, 29),),
    input_tokens=120,
    output_tokens=9,
)
RESULT = AskResult(
    answer=ANSWER,
    tier=Tier.SIMPLE,
    route=ROUTE,
    cache=CacheFacts(CacheResult.MISS),
    timings=Timings(1.5, {Stage.ROUTE: 0.0001234, Stage.GENERATE: 1.4}, 0.0998766),
    outcome=Outcome.OK,
    trace_id=TRACE.trace_id,
)
SCRIPT: tuple[AskEvent, ...] = (
    Started(ROUTE, TRACE.trace_id),
    Token("Momentum trading "),
    Token("buys what rises [1]."),
    Done(RESULT),
)


class FakeGate:
    """Implements `Gate`: the token is looked up in `principals`. `seen` logs the headers."""

    def __init__(self) -> None:
        self.principals: dict[str, Principal] = {}
        self.seen: list[str | None] = []

    def key(self, *scopes: Scope, tenant: str = "default") -> dict[str, str]:
        """The header of a new key with these scopes."""
        token = f"key{len(self.principals)}"
        self.principals[token] = Principal(token, token, frozenset(scopes), tenant)
        return {"authorization": f"Bearer {token}"}

    async def admit(self, authorization: str | None) -> Principal:
        self.seen.append(authorization)
        principal = self.principals.get((authorization or "").removeprefix("Bearer "))
        if principal is None:
            raise Unauthorized("no valid API key")
        return principal


class FakeProbes:
    """Implements `Probes`. `statuses` is what is answered."""

    def __init__(self) -> None:
        self.statuses = (DependencyStatus("sqlite", True, True), DependencyStatus("ollama", False, False, "secret:1"))

    async def check(self) -> tuple[DependencyStatus, ...]:
        return self.statuses


class FakeExposition:
    """Implements `Exposition`. `accepts` logs the headers."""

    def __init__(self) -> None:
        self.accepts: list[str] = []

    async def render(self, accept: str) -> tuple[bytes, str]:
        self.accepts.append(accept)
        return b"rag_up 1\n# EOF\n", "application/openmetrics-text; version=1.0.0; charset=utf-8"


class IdleLimiter:
    """Implements `Limiter` for reading alone."""

    def admit(self, model: str) -> AbstractAsyncContextManager[Admission]:
        raise AssertionError(f"the routes must not ask for admission to {model}")

    def reserve(self, model: str) -> AbstractContextManager[None]:
        raise AssertionError(f"the routes must not reserve {model}")

    def load(self, model: str) -> Load:
        return Load(in_flight=1, waiting=2, slots=1, max_waiting=16, usual_service_s=3.5)


class FakeServices:
    """The parts; `build` makes the `Services` of them. `closed` counts calls of `close`."""

    def __init__(self, gate: Gate | None = None, limits: HttpLimits = HttpLimits()) -> None:
        self.asker = FakeAsker(SCRIPT)
        self.corpus = FakeCorpus()
        self.write_gate = FakeWriteGate()
        self.retriever = FakeRetriever()
        self.directory = FakeModelDirectory(snapshot_of({SMALL: True}, missing=(LARGE, EMBEDDER)))
        self.health = FakeHealth()
        self.caches = {name: FakeCache(name) for name in CacheName}
        self.monitor = FakeMonitor()
        self.slow_log = FakeSlowLog()
        self.traces = FakeTraces()
        self.probes = FakeProbes()
        self.exposition = FakeExposition()
        self.draining = Drain()
        self.gate = gate or OpenGate()
        self.limits = limits
        self.about = About("emini-rag", "1.2.3", "abc", "test")
        self.closed = 0

    def build(self) -> Services:
        return Services(
            about=self.about,
            limits=self.limits,
            defaults=AskDefaults(),
            tiers={Tier.SIMPLE: SMALL, Tier.RESEARCH: LARGE},
            chat_models=(SMALL, LARGE),
            embedding_model=EMBEDDER,
            asker=self.asker,
            corpus=self.corpus,
            write_gate=self.write_gate,
            retriever=self.retriever,
            directory=self.directory,
            health=self.health,
            limiter=IdleLimiter(),
            caches=self.caches,
            gate=self.gate,
            monitor=self.monitor,
            slow_log=self.slow_log,
            traces=self.traces,
            probes=self.probes,
            exposition=self.exposition,
            draining=self.draining,
            load_times=lambda: {SMALL: 2.5},
            current_trace=lambda: TRACE,
            close=self._close,
        )

    async def _close(self) -> None:
        self.closed += 1
