"""The composition root: the only place that names adapters, and the wrappers that make telemetry of what they return.

Read `_open` from top to bottom: telemetry, what lasts, models, search, answering, and the service around them. Each
part registers its own end as it is made, so that a failed start and an orderly end give back the same things in the
same order: the last one first.
"""

import asyncio
import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TypeVar

from service.adapters import Documents, Models, make_cache, make_models, open_documents
from service.admission.limiter import SlotLimiter
from service.alert_receivers import delivery
from service.ask.parts import Budgets, Parts
from service.ask.pipeline import Pipeline
from service.ask.prompt import BudgetedPromptBuilder
from service.ask.types import Asker
from service.auth.bind import check_bind
from service.auth.gate import gate_for
from service.auth.keys import KeyStore
from service.cache.port import Cache, CacheName, CacheResult
from service.clock import Clock, SystemClock
from service.data_folder import DataFolder
from service.drain import Drain
from service.errors import ErrorKind, ServiceError
from service.generation.extractive import SentenceExtractor
from service.monitoring.monitored import MonitoredAsker
from service.monitoring.port import Wanted
from service.monitoring.slow_log import SqliteSlowLog
from service.monitoring.summary import QueryMonitor
from service.probes import (
    DependencyProbes,
    Probe,
    cache_probe,
    chroma_probe,
    data_folder_probe,
    documents_probe,
    ollama_probe,
    slow_log_probe,
    sqlite_probe,
)
from service.routing.loads import LoadTimes
from service.routing.policy import SeedPolicy
from service.routing.port import Tier
from service.routing.router import AvailabilityRouter
from service.routing.scored import ScoredPolicy
from service.services import About, AskDefaults, HttpLimits, Services
from service.settings import Settings
from service.store_swap import SwapUnreadable, finish_at_start
from service.telemetry.instrumented.asker import InstrumentedAsker
from service.telemetry.instrumented.cache import InstrumentedCache
from service.telemetry.instrumented.corpus import InstrumentedCorpus
from service.telemetry.instrumented.extractor import InstrumentedExtractor
from service.telemetry.instrumented.generator import InstrumentedGenerator
from service.telemetry.instrumented.limiter import InstrumentedLimiter
from service.telemetry.instrumented.prompt_builder import InstrumentedPromptBuilder
from service.telemetry.instrumented.router import InstrumentedRouter
from service.telemetry.instrumented.write_gate import InstrumentedWriteGate
from service.telemetry.pollers.dependencies import DependencyWatch
from service.telemetry.pollers.readings import Sources
from service.telemetry.setup import Telemetry
from service.telemetry.tempo import Tempo
from service.telemetry.trace_lookup import TraceLookup
from service.telemetry.tracing import current_trace
from service.version import read_version

T = TypeVar("T")
_log = logging.getLogger(__name__)
# What is usual for each model is learned from so many of the last answers that were made, not found in the cache.
_LEARNED_FROM = 1000
_MADE = Wanted(caches=frozenset(set(CacheResult) - {CacheResult.HIT}))


@dataclass(frozen=True, slots=True)
class Running:
    """A service that is up: what routes see, and what only the process around them needs."""

    services: Services
    telemetry: Telemetry
    drain: Drain


async def open_services(settings: Settings) -> Services:
    """The service without its listeners, for commands that work in this process."""
    return (await open_running(settings)).services


async def open_running(settings: Settings) -> Running:
    """Everything, started. Raises `ServiceError` in words for the operator, and then holds nothing."""
    stack = AsyncExitStack()
    try:
        return await _open(settings, stack)
    except BaseException:
        await stack.aclose()
        raise


async def _open(settings: Settings, stack: AsyncExitStack) -> Running:
    clock = SystemClock()
    keys = KeyStore(settings.keys_file, clock)
    server = settings.server
    check_bind(settings.auth.mode, server.host, keys, server.published_on)
    folder = DataFolder(settings.data_dir, clock=clock)
    await folder.acquire_in_turn()
    stack.callback(folder.release)
    _end_restore(settings)
    about = _about(settings)
    telemetry = _telemetry(settings, about, clock)
    stack.push_async_callback(telemetry.close)

    caches = {name: make_cache(name, settings, clock, stack) for name in CacheName}
    models = make_models(settings, caches[CacheName.EMBEDDING], telemetry, clock, stack)
    corpus = await open_documents(settings, models, telemetry, clock, stack)
    limiter = SlotLimiter(settings.admission.slots, settings.admission.waiting, settings.deadlines.queue_s, clock)
    loads = LoadTimes()
    slow_log = await _slow_log(settings, clock, stack)
    monitor = QueryMonitor(clock, note=slow_log.note)
    monitor.learn(query.record for query in await slow_log.latest(clock.time(), _LEARNED_FROM, _MADE))
    asker = _asker(settings, models, corpus, caches, limiter, loads, monitor, telemetry, clock, stack)

    probes = _probes(settings, models, corpus, monitor, slow_log, clock, stack)
    _observe(settings, about, models, corpus, caches, limiter, monitor, probes, telemetry, clock)
    drain = Drain(folder.sign_off)
    services = Services(
        about=about,
        limits=_limits(settings),
        defaults=AskDefaults(top_k=settings.retrieval.top_k),
        tiers=_tiers(settings),
        chat_models=settings.chat_models,
        embedding_model=settings.embedding.model,
        asker=asker,
        corpus=InstrumentedCorpus(corpus.corpus, telemetry.stages, telemetry.meters),
        write_gate=InstrumentedWriteGate(corpus.corpus.gate, telemetry.stages, telemetry.meters),
        retriever=corpus.retriever,
        directory=models.directory,
        health=models.breakers,
        limiter=limiter,
        caches=caches,
        gate=gate_for(settings.auth.mode, server.published_on or server.host, keys),
        monitor=monitor,
        slow_log=slow_log,
        traces=_traces(settings, telemetry, stack),
        probes=probes,
        exposition=telemetry.page,
        draining=drain,
        load_times=loads.known,
        current_trace=current_trace,
        close=stack.aclose,
    )
    stack.push_async_callback(asyncio.to_thread, keys.flush)
    return Running(services, telemetry, drain)


def _end_restore(settings: Settings) -> None:
    """A restore that was interrupted leaves the old state or the new one, never some of each."""
    try:
        told = finish_at_start(settings.data_dir)
    except SwapUnreadable as error:
        raise ServiceError(ErrorKind.OTHER, str(error)) from error
    if told:
        _log.warning("%s", told)


def _observe(
    settings: Settings,
    about: About,
    models: Models,
    corpus: Documents,
    caches: dict[CacheName, Cache],
    limiter: SlotLimiter,
    monitor: QueryMonitor,
    probes: DependencyWatch,
    telemetry: Telemetry,
    clock: Clock,
) -> None:
    slo = settings.slo
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
            data_folder=settings.data_dir,
            slo_s=_by_tier(slo.simple_s, slo.medium_s, slo.complex_s, slo.research_s),
            slo_target=slo.target_ratio,
        )
    )


def _telemetry(settings: Settings, about: About, clock: Clock) -> Telemetry:
    try:
        return Telemetry(
            service=about.service,
            version=about.version,
            environment=about.environment,
            models=settings.chat_models,
            embedder=settings.embedding.model,
            traces_url=settings.traces_url,
            clock=clock,
        )
    except ValueError as error:
        # What OpenTelemetry says of its own variables: it names the variable, or what is wrong with two of them.
        detail = f"a variable of OpenTelemetry (OTEL_...) cannot be used: {error}"
        raise ServiceError(ErrorKind.OTHER, detail) from error


def _asker(
    settings: Settings,
    models: Models,
    corpus: Documents,
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
        waiting=lambda: corpus.upkeep.waiting,
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
    return MonitoredAsker(measured, monitor, clock, capture=capture)


async def _slow_log(settings: Settings, clock: Clock, stack: AsyncExitStack) -> SqliteSlowLog:
    max_bytes = settings.slow_log.max_bytes
    path = settings.data_dir / "slow-log.sqlite3" if max_bytes else None
    slow_log = SqliteSlowLog(path, max_bytes, clock)
    stack.push_async_callback(slow_log.close)
    await slow_log.start()
    return slow_log


def _traces(settings: Settings, telemetry: Telemetry, stack: AsyncExitStack) -> TraceLookup:
    if not settings.traces.tempo_url:
        return TraceLookup(telemetry.ring)
    tempo = Tempo(settings.traces.tempo_url, settings.traces.tempo_timeout_s)
    stack.push_async_callback(tempo.close)
    return TraceLookup(telemetry.ring, tempo)


def _probes(
    settings: Settings,
    models: Models,
    corpus: Documents,
    monitor: QueryMonitor,
    slow_log: SqliteSlowLog,
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
        slow_log_probe(slow_log),
    ]
    probes = DependencyProbes(looks, clock)
    stack.push_async_callback(probes.close)
    watch = DependencyWatch(probes, clock=clock)
    watch.start()
    stack.push_async_callback(watch.close)
    return watch


def _about(settings: Settings) -> About:
    return About(
        settings.service_name,
        read_version(settings.revision),
        settings.revision,
        settings.environment,
        settings.traces.page_url,
        alerts=delivery(settings.alert_receivers),
    )


def _limits(settings: Settings) -> HttpLimits:
    server = settings.server
    return HttpLimits(
        max_body_bytes=server.max_body_bytes,
        max_file_bytes=settings.ingestion.max_file_bytes,
        body_timeout_s=server.body_timeout_s,
        bound_host=server.published_on or server.host,
        allowed_hosts=server.allowed_hosts,
    )


def _tiers(settings: Settings) -> dict[Tier, str]:
    models = settings.routing.models
    return _by_tier(models.simple, models.medium, models.complex, models.research)


def _by_tier(*values: T) -> dict[Tier, T]:
    return dict(zip(Tier, values, strict=True))
