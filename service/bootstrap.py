"""The composition root: the only place that names adapters, and the wrappers that make telemetry of what they return.

Read `_open` from top to bottom: telemetry, what lasts, models, search, answering, and the service around them. Each
part registers its own end as it is made, so that a failed start and an orderly end give back the same things in the
same order: the last one first.
"""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from service.admission.limiter import SlotLimiter
from service.ask.parts import Budgets, Parts
from service.ask.pipeline import Pipeline
from service.ask.prompt import BudgetedPromptBuilder
from service.ask.types import Asker
from service.auth.gate import check_bind, gate_for
from service.auth.keys import KeyStore
from service.cache.memory import MemoryCache
from service.cache.port import Cache, CacheName
from service.cache.sqlite import SqliteCache
from service.cache.tiered import TieredCache
from service.cache.valkey import ValkeyCache
from service.clock import Clock, SystemClock
from service.corpus.corpus_file import CorpusFile
from service.corpus.document_writer import IngestLimits
from service.corpus.ingest import DocumentCorpus
from service.corpus.loaders.sandbox import SandboxedLoader
from service.corpus.upkeep import CorpusUpkeep
from service.data_folder import DataFolder
from service.drain import Drain
from service.embedding.cached import CachedEmbedder
from service.embedding.null import NullEmbedder
from service.embedding.ollama import OllamaEmbedder
from service.embedding.port import Embedder
from service.generation.breaker import Breakers
from service.generation.extractive import SentenceExtractor
from service.generation.ollama import OllamaGenerator
from service.generation.port import Generator
from service.generation.scripted import ScriptedGenerator
from service.monitoring.monitored import MonitoredAsker
from service.monitoring.summary import QueryMonitor
from service.ollama.client import make_client
from service.probes import (
    DependencyProbes,
    Probe,
    cache_probe,
    chroma_probe,
    data_folder_probe,
    documents_probe,
    ollama_probe,
    sqlite_probe,
)
from service.retrieval.chroma import ChromaIndex
from service.retrieval.chroma_store import EmbeddedChroma, RemoteChroma
from service.retrieval.fts import FtsIndex
from service.retrieval.hybrid import HybridRetriever
from service.retrieval.port import KeywordIndex, Retriever, VectorIndex
from service.retrieval.threads import WorkerThreads
from service.routing.fixed import FixedModelDirectory
from service.routing.loads import LoadTimes
from service.routing.ollama import OllamaModelDirectory
from service.routing.policy import SeedPolicy
from service.routing.polling import ModelPolling
from service.routing.port import ModelDirectory, ModelSnapshot, Tier
from service.routing.router import AvailabilityRouter
from service.routing.scored import ScoredPolicy
from service.services import About, AskDefaults, HttpLimits, Services
from service.settings import Settings
from service.telemetry.instrumented.asker import InstrumentedAsker
from service.telemetry.instrumented.cache import InstrumentedCache
from service.telemetry.instrumented.corpus import InstrumentedCorpus
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
from service.telemetry.pollers.dependencies import DependencyWatch
from service.telemetry.pollers.readings import Sources
from service.telemetry.setup import Telemetry
from service.telemetry.tracing import current_trace
from service.version import read_version

# An address that is no address: a model that answers by rule, for development and measurements without Ollama.
SCRIPTED_URL = "scripted:"
_DEFAULT_CORPUS = "default"
_EMBEDDINGS_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Running:
    """A service that is up: what routes see, and what only the process around them needs."""

    services: Services
    telemetry: Telemetry
    drain: Drain


@dataclass(frozen=True, slots=True)
class _Models:
    """Everything that comes from the model server."""

    directory: ModelDirectory
    breakers: Breakers
    embedder: Embedder
    generator: Generator
    peer: Peer


@dataclass(frozen=True, slots=True)
class _Corpus:
    """Everything that comes from the documents. `plain_vectors` and `plain_keywords` are those that probes ask."""

    corpus: DocumentCorpus
    retriever: Retriever
    upkeep: CorpusUpkeep
    plain_vectors: VectorIndex
    plain_keywords: KeywordIndex


async def open_services(settings: Settings) -> Services:
    """The service without its listeners, for commands that work in this process."""
    return (await open_running(settings)).services


async def open_running(settings: Settings) -> Running:
    """Everything, started. Raises `ServiceError` in words for the operator, and then holds nothing."""
    async with AsyncExitStack() as stack:
        running = await _open(settings, stack)
        closing = stack.pop_all()
        return Running(_closing(running.services, closing), running.telemetry, running.drain)


async def _open(settings: Settings, stack: AsyncExitStack) -> Running:
    clock = SystemClock()
    keys = KeyStore(settings.keys_file, clock)
    check_bind(settings.auth.mode, settings.server.host, keys)
    stack.enter_context(DataFolder(settings.data_dir, clock=clock))
    telemetry = _telemetry(settings, clock)
    stack.push_async_callback(telemetry.close)

    caches = {name: _cache(name, settings, clock, stack) for name in CacheName}
    models = _models(settings, caches[CacheName.EMBEDDING], telemetry, clock, stack)
    corpus = await _corpus(settings, models, telemetry, clock, stack)
    limiter = SlotLimiter(settings.admission.slots, settings.admission.waiting, settings.deadlines.queue_s, clock)
    loads = LoadTimes()
    monitor = QueryMonitor(clock)
    asker = _asker(settings, models, corpus, caches, limiter, loads, monitor, telemetry, clock, stack)

    probes = _probes(settings, models, corpus, monitor, clock, stack)
    about = About(settings.service_name, read_version(), settings.revision, settings.environment)
    telemetry.observe(
        Sources(
            about=about,
            directory=models.directory,
            health=models.breakers,
            limiter=limiter,
            caches=caches,
            corpus=corpus.corpus,
            monitor=monitor,
            clock=clock,
            chat_models=settings.chat_models,
            embedder=settings.embedding.model,
            dependencies=probes.up,
            slo_s=_by_tier(
                settings.slo.simple_s, settings.slo.medium_s, settings.slo.complex_s, settings.slo.research_s
            ),
            slo_target=settings.slo.target_ratio,
        )
    )
    drain = Drain()
    services = Services(
        about=about,
        limits=_limits(settings),
        defaults=AskDefaults(top_k=settings.retrieval.top_k),
        tiers=_tiers(settings),
        chat_models=settings.chat_models,
        embedding_model=settings.embedding.model,
        asker=asker,
        corpus=InstrumentedCorpus(corpus.corpus, telemetry.stages, telemetry.meters),
        directory=models.directory,
        health=models.breakers,
        limiter=limiter,
        caches=caches,
        gate=gate_for(settings.auth.mode, settings.server.host, keys),
        monitor=monitor,
        probes=probes,
        exposition=telemetry.page,
        draining=drain,
        load_times=loads.known,
        current_trace=current_trace,
        close=_nothing,
    )
    stack.push_async_callback(asyncio.to_thread, keys.flush)
    return Running(services, telemetry, drain)


def _telemetry(settings: Settings, clock: Clock) -> Telemetry:
    return Telemetry(
        service=settings.service_name,
        version=read_version(),
        environment=settings.environment,
        models=settings.chat_models,
        embedder=settings.embedding.model,
        traces_url=settings.traces_url,
        clock=clock,
    )


def _cache(name: CacheName, settings: Settings, clock: Clock, stack: AsyncExitStack) -> Cache:
    """Memory in front of what lasts; vectors of questions in memory alone, since they are made in milliseconds."""
    bounds = settings.cache
    if name is CacheName.EMBEDDING:
        return MemoryCache(name, _EMBEDDINGS_KEPT if bounds.max_entries else 0, bounds.max_bytes, clock)
    memory = MemoryCache(name, bounds.max_entries, bounds.max_bytes, clock)
    lasting = (
        ValkeyCache(name, bounds.url, bounds.max_entries, clock)
        if bounds.url
        else SqliteCache(name, settings.data_dir / f"cache-{name}.sqlite3", bounds.max_entries, bounds.max_bytes, clock)
    )
    cache = TieredCache(memory, lasting)
    stack.push_async_callback(cache.close)
    return cache


def _models(
    settings: Settings, vectors_kept: Cache, telemetry: Telemetry, clock: Clock, stack: AsyncExitStack
) -> _Models:
    breakers = Breakers(clock, models=settings.chat_models)
    if settings.ollama.url == SCRIPTED_URL:
        directory = FixedModelDirectory(settings.chat_models, clock)
        scripted = ScriptedGenerator(clock, models=settings.chat_models)
        return _Models(directory, breakers, NullEmbedder(), scripted, Peer("scripted", "localhost", 0))
    client = make_client(settings.ollama.url, connect_timeout_s=settings.ollama.connect_timeout_s)
    stack.push_async_callback(client.close)
    embedding = settings.embedding.model
    names = (*settings.chat_models, *([embedding] if embedding else ()))
    found = OllamaModelDirectory(
        client, names, clock, num_ctx=settings.ollama.num_ctx, keep_alive=settings.ollama.keep_alive
    )

    def heard(snapshot: ModelSnapshot) -> None:
        if snapshot.reachable:
            breakers.server_answered()

    polling = ModelPolling(found, settings.ollama.poll_s, [heard])
    polling.start()
    stack.push_async_callback(polling.close)
    generator = OllamaGenerator(
        client,
        breakers=breakers,
        snapshot=found.snapshot,
        clock=clock,
        first_token_s=settings.deadlines.first_token_s,
        between_tokens_s=settings.deadlines.between_tokens_s,
        num_ctx=settings.ollama.num_ctx,
        keep_alive=settings.ollama.keep_alive,
        thinking_tiers=frozenset({Tier.RESEARCH}) if settings.ollama.think else frozenset(),
    )
    peer = Peer.of("ollama", settings.ollama.url)
    if not embedding:
        return _Models(found, breakers, NullEmbedder(), generator, peer)
    plain = OllamaEmbedder(
        client,
        embedding,
        snapshot=found.snapshot,
        clock=clock,
        query_timeout_s=settings.embedding.timeout_s,
        keep_alive=settings.ollama.keep_alive,
    )
    stack.push_async_callback(plain.close)
    timed = InstrumentedEmbedder(
        plain, telemetry.stages, telemetry.meters, peer, deadline_s=settings.embedding.timeout_s, clock=clock
    )
    counted = InstrumentedCache(vectors_kept, telemetry.stages, telemetry.meters)
    return _Models(found, breakers, CachedEmbedder(timed, counted, clock), generator, peer)


async def _corpus(
    settings: Settings, models: _Models, telemetry: Telemetry, clock: Clock, stack: AsyncExitStack
) -> _Corpus:
    url, limits = settings.chroma.url, settings.ingestion
    store = RemoteChroma(url) if url else EmbeddedChroma(settings.data_dir / "chroma")
    chroma = ChromaIndex(store, corpus=_DEFAULT_CORPUS, timeout_s=settings.chroma.timeout_s, clock=clock)
    stack.push_async_callback(chroma.close)
    vectors = InstrumentedVectorIndex(chroma, telemetry.stages, Peer.of("chroma", url) if url else None)

    path = settings.data_dir / "corpus.sqlite3"
    loader = SandboxedLoader(limits.max_file_bytes, limits.max_pages, limits.parse_timeout_s, limits.parse_memory_bytes)
    corpus = DocumentCorpus(
        CorpusFile(path, clock),
        loader,
        models.embedder,
        vectors,
        clock,
        IngestLimits(limits.chunk_chars, limits.max_chunks, limits.max_file_bytes, settings.embedding.batch),
    )
    stack.push_async_callback(corpus.close)
    await corpus.repair()

    threads = WorkerThreads(settings.retrieval.threads, clock=clock)
    stack.callback(threads.close)
    fts = FtsIndex(path, threads)
    stack.push_async_callback(fts.close)
    hybrid = HybridRetriever(
        InstrumentedKeywordIndex(fts, telemetry.stages),
        vectors,
        lambda: corpus.active_embedder,
        clock,
        floor=settings.retrieval.floor,
    )
    retriever = InstrumentedRetriever(
        hybrid, telemetry.stages, telemetry.meters, settings.embedding.model, deadline_s=settings.chroma.timeout_s
    )
    upkeep = CorpusUpkeep(
        corpus, str(settings.documents_dir), settings.ollama.poll_s, lambda: models.directory.snapshot().reachable
    )
    upkeep.start()
    stack.push_async_callback(upkeep.close)
    return _Corpus(corpus, retriever, upkeep, chroma, fts)


def _asker(
    settings: Settings,
    models: _Models,
    corpus: _Corpus,
    caches: dict[CacheName, Cache],
    limiter: SlotLimiter,
    loads: LoadTimes,
    monitor: QueryMonitor,
    telemetry: Telemetry,
    clock: Clock,
    stack: AsyncExitStack,
) -> Asker:
    stages, meters = telemetry.stages, telemetry.meters
    capture = settings.capture_content == "SPAN_ONLY"
    tiers = _tiers(settings)
    policy = SeedPolicy() if settings.routing.policy == "seed" else ScoredPolicy()
    router = AvailabilityRouter(
        policy,
        tiers,
        settings.chat_models,
        settings.routing.always_auto,
        settings.routing.latency_budget_s,
        models.directory,
        models.breakers,
        limiter,
        loads,
    )
    parts = Parts(
        router=InstrumentedRouter(router, stages),
        answers=InstrumentedCache(caches[CacheName.ANSWER], stages, meters),
        embedder=models.embedder,
        retriever=corpus.retriever,
        prompts=InstrumentedPromptBuilder(BudgetedPromptBuilder(settings.ollama.num_ctx), stages),
        prompt_cache=InstrumentedCache(caches[CacheName.PROMPT], stages, meters),
        limiter=InstrumentedLimiter(limiter, stages, meters),
        generator=InstrumentedGenerator(models.generator, stages, meters, models.peer, capture=capture),
        extractor=InstrumentedExtractor(SentenceExtractor(), stages),
        directory=models.directory,
        corpus_version=lambda: corpus.corpus.state().version,
        note_load=loads.note,
        policy=policy.name,
        budgets=Budgets(
            total_s=settings.deadlines.total_s,
            embed_s=settings.embedding.timeout_s,
            retrieve_s=settings.chroma.timeout_s,
            ttl_s=settings.cache.ttl_s,
            degraded_ttl_s=settings.cache.extractive_ttl_s,
        ),
    )
    pipeline = Pipeline(parts, clock)
    stack.push_async_callback(pipeline.close)
    measured = InstrumentedAsker(pipeline, stages, meters, tiers=tiers, capture=capture)
    return MonitoredAsker(measured, monitor, clock)


def _probes(
    settings: Settings,
    models: _Models,
    corpus: _Corpus,
    monitor: QueryMonitor,
    clock: Clock,
    stack: AsyncExitStack,
) -> DependencyWatch:
    looks: list[Probe] = [
        data_folder_probe(settings.data_dir),
        sqlite_probe(corpus.plain_keywords),
        documents_probe(lambda: corpus.upkeep.waiting),
        chroma_probe(corpus.plain_vectors),
        ollama_probe(models.directory, settings.ollama.url),
        cache_probe(monitor),
    ]
    probes = DependencyProbes(looks, clock)
    stack.push_async_callback(probes.close)
    watch = DependencyWatch(probes)
    watch.start()
    stack.push_async_callback(watch.close)
    return watch


def _limits(settings: Settings) -> HttpLimits:
    server = settings.server
    return HttpLimits(
        max_body_bytes=server.max_body_bytes,
        max_file_bytes=settings.ingestion.max_file_bytes,
        body_timeout_s=server.body_timeout_s,
        bound_host=server.host,
        allowed_hosts=server.allowed_hosts,
    )


def _tiers(settings: Settings) -> dict[Tier, str]:
    models = settings.routing.models
    return dict(zip(Tier, (models.simple, models.medium, models.complex, models.research), strict=True))


def _by_tier(*values: float) -> dict[Tier, float]:
    return dict(zip(Tier, values, strict=True))


def _closing(services: Services, stack: AsyncExitStack) -> Services:
    """The same services, whose `close` unwinds what was opened for them."""
    return replace(services, close=stack.aclose)


async def _nothing() -> None:
    """Stands in until there is something to close."""
