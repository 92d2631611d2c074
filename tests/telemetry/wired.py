"""The real pipeline with every telemetry wrapper, over fakes: what the composition root builds, on a test stand.

Each fake lets the manual clock pass, so that spans have lengths and nothing depends on the machine.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler

from service.admission.limiter import SlotLimiter
from service.ask.parts import Budgets, Parts
from service.ask.pipeline import Pipeline
from service.ask.prompt import BudgetedPromptBuilder, Prompt
from service.ask.types import AskEvent, Question, TraceRef
from service.cache.port import CacheControl, CacheEntry, CacheKey, CacheName, Lookup
from service.embedding.port import Embedded, EmbedderId, Purpose
from service.generation.extractive import SentenceExtractor
from service.generation.port import Chunk, Completion, Excerpt, GenerationRequest
from service.retrieval.port import Match, Passage, Retrieved, VectorRow
from service.routing.port import Route, RouteReason, Tier
from service.telemetry.instrumented.asker import InstrumentedAsker
from service.telemetry.instrumented.cache import InstrumentedCache
from service.telemetry.instrumented.embedder import InstrumentedEmbedder
from service.telemetry.instrumented.extractor import InstrumentedExtractor
from service.telemetry.instrumented.generator import InstrumentedGenerator
from service.telemetry.instrumented.keyword_index import InstrumentedKeywordIndex
from service.telemetry.instrumented.limiter import InstrumentedLimiter
from service.telemetry.instrumented.peer import Peer
from service.telemetry.instrumented.prompt_builder import InstrumentedPromptBuilder
from service.telemetry.instrumented.retriever import InstrumentedRetriever
from service.telemetry.instrumented.router import InstrumentedRouter
from service.telemetry.instrumented.vector_index import InstrumentedVectorIndex
from tests.fakes.cache import FakeCache
from tests.fakes.clock import ManualClock
from tests.fakes.generator import FakeGenerator
from tests.fakes.model_directory import FakeModelDirectory, snapshot_of
from tests.fakes.router import FakeRouter
from tests.fakes.vector_index import FakeVectorIndex
from tests.telemetry.recorder import EMBEDDER, LARGE, SMALL, Recorder
from tests.unit.ask.samples import FEATURES, passage

EMBEDDER_ID = EmbedderId(EMBEDDER, "sha-embed", 2)
OLLAMA = Peer("ollama", "127.0.0.1", 11434)
SERVER_TRACE = TraceRef("a" * 32, "b" * 16)


def decided(
    model: str | None = SMALL, reason: RouteReason = RouteReason.POLICY, fallbacks: tuple[str, ...] = ()
) -> Route:
    return Route("auto", Tier.SIMPLE, SMALL, model, reason, ("few words",), FEATURES, fallbacks)


class SlowRouter(FakeRouter):
    clock: ManualClock

    async def route(self, text: str, requested: str) -> Route:
        self.clock.advance(0.001)
        return await super().route(text, requested)


class SlowCache(FakeCache):
    async def lookup(self, keys: tuple[CacheKey, ...], control: CacheControl) -> Lookup:
        self._clock.advance(0.002)
        return await super().lookup(keys, control)

    async def store(self, key: CacheKey, entry: CacheEntry, control: CacheControl) -> bool:
        self._clock.advance(0.003)
        return await super().store(key, entry, control)


class SlowEmbedder:
    """Implements `Embedder`."""

    model = EMBEDDER

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.away = False
        self.cached = False
        self.error: Exception | None = None

    async def identify(self) -> EmbedderId | None:
        return None if self.away else EMBEDDER_ID

    async def embed(self, texts: Sequence[str], *, purpose: Purpose = Purpose.QUERY) -> Embedded:
        self._clock.advance(0.02)
        if self.error is not None:
            raise self.error
        vectors = tuple((1.0, 0.0) for _ in texts)
        return Embedded(vectors, EMBEDDER_ID, 4, 0.02, 0.001, self.cached)


class WordIndex:
    """Implements `KeywordIndex` over a fixed list."""

    def __init__(self, found: Sequence[Passage], clock: ManualClock) -> None:
        self._found = tuple(found)
        self._clock = clock

    async def search(self, text: str, limit: int) -> tuple[Match, ...]:
        self._clock.advance(0.004)
        return tuple(Match(one.chunk_id, one.score) for one in self._found[:limit])

    async def passages(self, matches: Sequence[Match]) -> tuple[Passage, ...]:
        return self._found


class TwoIndexes:
    """Implements `Retriever` by asking both indexes, as the hybrid one does."""

    def __init__(self, vectors: InstrumentedVectorIndex, words: InstrumentedKeywordIndex) -> None:
        self._vectors = vectors
        self._words = words
        self.hang = asyncio.Event()
        self.hang.set()
        self.waiting = False

    async def retrieve(self, text: str, vector: Sequence[float] | None, top_k: int) -> Retrieved:
        self.waiting = not self.hang.is_set()
        await self.hang.wait()
        near = await self._vectors.query(vector, top_k) if vector is not None else ()
        hits = await self._words.search(text, top_k)
        found = await self._words.passages(hits)
        degraded = () if vector is not None else ("no_embedder",)
        distance = near[0].distance if near else None
        return Retrieved(found, {"vector": len(near), "keyword": len(hits)}, 1.0, distance, degraded, 0.001)


class SlowGenerator(FakeGenerator):
    """Takes as long as its completion says."""

    clock: ManualClock

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[Chunk | Completion, None]:
        async with aclosing(super().generate(request)) as items:
            async for item in items:
                self.clock.advance(item.total_s if isinstance(item, Completion) else 0.0)
                yield item


class SlowExtractor(SentenceExtractor):
    clock: ManualClock

    def extract(self, text: str, passages: Sequence[Passage]) -> tuple[Excerpt, ...]:
        self.clock.advance(0.005)
        return super().extract(text, passages)


class SlowPrompts(BudgetedPromptBuilder):
    clock: ManualClock

    def build(self, text: str, passages: Sequence[Passage], max_tokens: int) -> Prompt:
        self.clock.advance(0.006)
        return super().build(text, passages, max_tokens)


@dataclass
class Wired:
    """Ask, then look at `spans` and at `registry`."""

    route: Route = field(default_factory=decided)
    generator: SlowGenerator = field(default_factory=SlowGenerator)
    passages: tuple[Passage, ...] = field(default_factory=lambda: (passage(1), passage(2)))
    slots: int = 1
    waiting: int = 16
    capture: bool = False
    sampler: Sampler = ALWAYS_ON
    budgets: Budgets = field(default_factory=Budgets)

    def __post_init__(self) -> None:
        self.recorder = Recorder(self.sampler)
        self.clock, self.exporter = self.recorder.clock, self.recorder.exporter
        self.registry, self.meters, self.stages = self.recorder.registry, self.recorder.meters, self.recorder.stages
        self.spans, self.sample = self.recorder.spans, self.recorder.sample
        self.answers, self.prompt_cache = (SlowCache(name, self.clock) for name in (CacheName.ANSWER, CacheName.PROMPT))
        self.router = SlowRouter(self.route)
        self.embedder = SlowEmbedder(self.clock)
        self.version = 1
        self.vectors = FakeVectorIndex()
        self.vectors.selected = EMBEDDER_ID
        self.vectors.collections[EMBEDDER_ID] = {"c1": VectorRow("c1", "d1", (1.0, 0.0))}
        self.extractor, self.prompts = SlowExtractor(), SlowPrompts(8192)
        self.router.clock = self.extractor.clock = self.prompts.clock = self.generator.clock = self.clock
        self.retriever = TwoIndexes(
            InstrumentedVectorIndex(self.vectors, self.stages),
            InstrumentedKeywordIndex(WordIndex(self.passages, self.clock), self.stages),
        )
        self.pipeline = Pipeline(self._parts(), self.clock)
        self.asker = InstrumentedAsker(self.pipeline, self.stages, self.meters, capture=self.capture)

    def _parts(self) -> Parts:
        stages, meters = self.stages, self.meters
        return Parts(
            router=InstrumentedRouter(self.router, stages),
            answers=InstrumentedCache(self.answers, stages, meters),
            embedder=InstrumentedEmbedder(
                self.embedder, stages, meters, OLLAMA, deadline_s=self.budgets.embed_s, clock=self.clock
            ),
            retriever=InstrumentedRetriever(
                self.retriever, stages, meters, EMBEDDER, deadline_s=self.budgets.retrieve_s
            ),
            prompts=InstrumentedPromptBuilder(self.prompts, stages),
            prompt_cache=InstrumentedCache(self.prompt_cache, stages, meters),
            limiter=InstrumentedLimiter(SlotLimiter(self.slots, self.waiting, 5.0, self.clock), stages, meters),
            generator=InstrumentedGenerator(self.generator, stages, meters, OLLAMA, capture=self.capture),
            extractor=InstrumentedExtractor(self.extractor, stages),
            directory=FakeModelDirectory(snapshot_of({SMALL: True, LARGE: True})),
            corpus_version=lambda: self.version,
            note_load=lambda model, seconds: None,
            budgets=self.budgets,
        )

    async def events(self, text: str = "What is momentum?", trace: TraceRef = SERVER_TRACE) -> list[AskEvent]:
        """Every event of one question."""
        async with asyncio.timeout(10), aclosing(self.asker.ask(Question(text, trace=trace))) as events:
            return [event async for event in events]
