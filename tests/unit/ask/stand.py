"""The pipeline on a test stand: every port scripted, the limiter, prompt builder and extractor real."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from service.admission.limiter import SlotLimiter
from service.ask.parts import Budgets, Parts
from service.ask.pipeline import Pipeline
from service.ask.prompt import BudgetedPromptBuilder
from service.ask.types import AskEvent, AskResult, Done, Failed, Question, TraceRef
from service.cache.port import CacheControl, CacheName
from service.errors import ServiceError
from service.generation.extractive import SentenceExtractor
from service.generation.port import Chunk, Completion, GenerationRequest
from service.retrieval.port import Retrieved
from service.routing.port import Route
from tests.fakes.cache import FakeCache
from tests.fakes.clock import ManualClock
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.model_directory import FakeModelDirectory, snapshot_of
from tests.fakes.retriever import FakeRetriever
from tests.fakes.router import FakeRouter
from tests.unit.ask.samples import completion, passage, route

Item = Chunk | Completion | ServiceError | asyncio.Event
ANSWERED: tuple[Item, ...] = (Chunk("Momentum "), Chunk("persists [1]."), completion())


class ScriptedGenerator:
    """Implements `Generator`: per call the next script (the last one for ever). An event in a script is waited for."""

    def __init__(self, *scripts: tuple[Item, ...]) -> None:
        self.scripts: deque[tuple[Item, ...]] = deque(scripts or [ANSWERED])
        self.requests: list[GenerationRequest] = []
        self.closed = 0

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[Chunk | Completion, None]:
        self.requests.append(request)
        script = self.scripts.popleft() if len(self.scripts) > 1 else self.scripts[0]
        try:
            for item in script:
                if isinstance(item, ServiceError):
                    raise item
                if isinstance(item, asyncio.Event):
                    await item.wait()
                else:
                    yield item
        finally:
            self.closed += 1


@dataclass
class Stand:
    """A pipeline and everything it stands on; change a part before asking."""

    router: FakeRouter = field(default_factory=lambda: FakeRouter(route()))
    generator: ScriptedGenerator = field(default_factory=ScriptedGenerator)
    found: Retrieved = field(default_factory=lambda: Retrieved((passage(1), passage(2))))
    slots: int = 1
    waiting: int = 16
    corpus_version: int = 1
    busy_with: str = ""

    def __post_init__(self) -> None:
        self.clock = ManualClock()
        self.answers = FakeCache(CacheName.ANSWER, self.clock)
        self.prompts = FakeCache(CacheName.PROMPT, self.clock)
        self.embedder = FakeEmbedder()
        self.retriever = FakeRetriever(self.found)
        self.directory = FakeModelDirectory(snapshot_of({"small": True, "large": False}))
        self.limiter = SlotLimiter(self.slots, self.waiting, 5.0, self.clock)
        self.loads: list[tuple[str, float]] = []
        self.parts = Parts(
            router=self.router,
            answers=self.answers,
            embedder=self.embedder,
            retriever=self.retriever,
            prompts=BudgetedPromptBuilder(8192),
            prompt_cache=self.prompts,
            limiter=self.limiter,
            generator=self.generator,
            extractor=SentenceExtractor(),
            directory=self.directory,
            corpus_version=lambda: self.corpus_version,
            note_load=lambda model, seconds: self.loads.append((model, seconds)),
            waiting=lambda: self.busy_with,
            budgets=Budgets(),
        )
        self.pipeline = Pipeline(self.parts, self.clock)

    async def events(
        self, text: str = "What is momentum?", control: CacheControl | None = None, trace: str = "t1"
    ) -> list[AskEvent]:
        """Every event of one request."""
        question = Question(text, cache=control or CacheControl(), trace=TraceRef(trace, f"s-{trace}"))
        async with asyncio.timeout(10):
            return [event async for event in self.pipeline.ask(question)]

    async def result(
        self, text: str = "What is momentum?", control: CacheControl | None = None, trace: str = "t1"
    ) -> AskResult:
        """The result of a request that must end well."""
        last = (await self.events(text, control, trace))[-1]
        assert isinstance(last, Done), last
        return last.result

    async def failure(self, text: str = "What is momentum?") -> Failed:
        """The failure of a request that must fail."""
        last = (await self.events(text))[-1]
        assert isinstance(last, Failed), last
        return last


def chosen(*models: str | None, wanted: str = "small") -> Route:
    """A policy's decision for the first model, with the others as fallbacks."""
    return route(models[0], wanted, fallbacks=tuple(str(model) for model in models[1:]))
