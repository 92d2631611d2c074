"""Gauges read at scrape time: the present state of models, breakers, admission, caches, corpus and settings.

Every reader asks a port's snapshot, which is in memory and quick. It runs in the thread that renders the page, so a
mapping may change under it: then it reads once more. A reader that fails leaves its metrics out of that page, is
counted and logged once, and touches nothing else. Nothing is kept between scrapes, so nothing outlives what it tells.
"""

import platform
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from service.admission.port import Limiter
from service.ask.types import Degradation
from service.cache.port import Cache, CacheName
from service.clock import Clock
from service.corpus.port import Corpus
from service.errors import Dependency
from service.generation.port import BreakerState, Health
from service.monitoring.port import Monitor
from service.routing.port import ModelDirectory, ModelSnapshot, Tier
from service.services import About
from service.telemetry import catalogue
from service.telemetry.meters import Reading
from service.telemetry.vocabulary import Problem

# Degradations of single answers show as present for this long after the last such answer.
RECENT_S = 300.0
_RECENT_RECORDS = 200
_BREAKER = {BreakerState.CLOSED: 0.0, BreakerState.HALF_OPEN: 1.0, BreakerState.OPEN: 2.0}
_MODEL = catalogue.MODEL_LABEL

OnProblem = Callable[[Problem, str, Exception | None], None]


@dataclass(frozen=True, slots=True)
class Sources:
    """What is read. `dependencies` is the last look at each (see `pollers/dependencies.py`); unseen ones are absent.

    `data_folder` is where the service keeps its data; None = nowhere on a disk.
    `slo_s` holds the latency thresholds in seconds, `slo_target` the share of good answers aimed at.
    """

    about: About
    directory: ModelDirectory
    health: Health
    limiter: Limiter
    caches: Mapping[CacheName, Cache]
    corpus: Corpus
    monitor: Monitor
    clock: Clock
    chat_models: Sequence[str]
    embedder: str
    dependencies: Callable[[], Mapping[str, bool]] = dict
    data_folder: Path | None = None
    slo_s: Mapping[Tier, float] = field(default_factory=dict)
    slo_target: float = 0.95


class Readings:
    """Calling it reads everything once."""

    def __init__(self, sources: Sources, on_problem: OnProblem) -> None:
        self._sources = sources
        self._on_problem = on_problem
        self._readers: Mapping[str, Callable[[Sources], Iterable[Reading]]] = {
            "models": _models,
            "breakers": _breakers,
            "admission": _admission,
            "caches": _caches,
            "corpus": _corpus,
            "dependencies": _dependencies,
            "degraded": _degraded,
            "disk": _disk,
            "objectives": _objectives,
            "build": _build,
        }

    def __call__(self) -> Iterator[Reading]:
        for name, reader in self._readers.items():
            yield from self._read(name, reader)

    def _read(self, name: str, reader: Callable[[Sources], Iterable[Reading]]) -> Sequence[Reading]:
        try:
            try:
                return tuple(reader(self._sources))
            except RuntimeError:  # changed while it was being read
                return tuple(reader(self._sources))
        except Exception as error:
            self._on_problem(Problem.FAILED, f"reading {name}", error)
            return ()


def _models(sources: Sources) -> Iterator[Reading]:
    snapshot = sources.directory.snapshot()
    yield Reading(catalogue.OLLAMA_UP, float(snapshot.reachable))
    yield Reading(catalogue.OLLAMA_SWAPS, snapshot.swaps)
    yield Reading(catalogue.OLLAMA_POLL_ERRORS, snapshot.poll_errors)
    for name, state in snapshot.models.items():
        label = {_MODEL: name}
        resident = snapshot.reachable and state.resident
        yield Reading(catalogue.OLLAMA_RESIDENT, float(resident), label)
        if resident:
            yield Reading(catalogue.OLLAMA_SIZE, state.size_bytes, label)
            yield Reading(catalogue.OLLAMA_VRAM, state.vram_bytes, label)
            if state.expires_at is not None:
                yield Reading(catalogue.OLLAMA_EXPIRES, state.expires_at, label)
        if state.installed and state.digest:
            build = {"quantization": state.quantization, "parameter_size": state.parameter_size}
            yield Reading(catalogue.OLLAMA_INFO, 1.0, {**label, "digest": state.digest, **build})


def _breakers(sources: Sources) -> Iterator[Reading]:
    for name, state in sources.health.states().items():
        yield Reading(catalogue.BREAKER_STATE, _BREAKER[state], {"dependency": name})


def _admission(sources: Sources) -> Iterator[Reading]:
    for model in sources.chat_models:
        load, label = sources.limiter.load(model), {_MODEL: model}
        yield Reading(catalogue.ADMISSION_IN_FLIGHT, load.in_flight, label)
        yield Reading(catalogue.ADMISSION_WAITING, load.waiting, label)
        yield Reading(catalogue.ADMISSION_CAPACITY, load.slots, label)


def _caches(sources: Sources) -> Iterator[Reading]:
    for name, cache in sources.caches.items():
        stats, label = cache.stats(), {"cache": name.value}
        yield Reading(catalogue.CACHE_ENTRIES, stats.entries, label)
        yield Reading(catalogue.CACHE_SIZE, stats.size_bytes, label)
        yield Reading(catalogue.CACHE_SAVED, stats.saved_s, label)
        for reason, count in stats.evictions.items():
            yield Reading(catalogue.CACHE_EVICTIONS, count, {**label, "reason": reason.value})


def _corpus(sources: Sources) -> Iterator[Reading]:
    state = sources.corpus.state()
    yield Reading(catalogue.CORPUS_DOCUMENTS, state.documents)
    yield Reading(catalogue.CORPUS_CHUNKS, state.chunks)
    yield Reading(catalogue.CORPUS_VERSION, state.version)


def _dependencies(sources: Sources) -> Iterator[Reading]:
    known = set(Dependency)
    for name, up in sources.dependencies().items():
        if name in known:
            yield Reading(catalogue.DEPENDENCY_UP, float(up), {"dependency": str(name)})


def _disk(sources: Sources) -> Iterator[Reading]:
    if sources.data_folder is not None:
        disk = shutil.disk_usage(sources.data_folder)
        yield Reading(catalogue.DISK_FREE, disk.free / disk.total)


def _degraded(sources: Sources) -> Iterator[Reading]:
    snapshot, dependencies = sources.directory.snapshot(), sources.dependencies()
    missing = _recently(sources)
    missing |= {
        degradation
        for degradation, is_missing in (
            (Degradation.LLM_UNREACHABLE, not snapshot.reachable),
            (Degradation.MODEL_UNAVAILABLE, _lacks_model(sources, snapshot)),
            (Degradation.NO_EMBEDDER, _lacks_embedder(sources, snapshot)),
            (Degradation.CHROMA_UNAVAILABLE, not dependencies.get(Dependency.CHROMA, True)),
            (Degradation.CACHE_UNAVAILABLE, not dependencies.get(Dependency.CACHE, True)),
        )
        if is_missing
    }
    for degradation in Degradation:
        yield Reading(catalogue.DEGRADED, float(degradation in missing), {"feature": degradation.value})


def _recently(sources: Sources) -> set[str]:
    """What answers of the last minutes said was missing."""
    since = sources.clock.time() - RECENT_S
    records = (query.record for query in sources.monitor.recent(_RECENT_RECORDS))
    return {degradation for record in records if record.at >= since for degradation in record.degraded}


def _lacks_model(sources: Sources, snapshot: ModelSnapshot) -> bool:
    if not snapshot.reachable:
        return False  # told by another feature
    return any(
        model not in snapshot.models
        or not snapshot.models[model].installed
        or sources.health.state(model) is BreakerState.OPEN
        for model in sources.chat_models
    )


def _lacks_embedder(sources: Sources, snapshot: ModelSnapshot) -> bool:
    if not sources.embedder:
        return False  # none is wanted
    state = snapshot.models.get(sources.embedder)
    return not snapshot.reachable or state is None or not state.installed


def _objectives(sources: Sources) -> Iterator[Reading]:
    for tier, threshold_s in sources.slo_s.items():
        yield Reading(catalogue.SLO_THRESHOLD, threshold_s, {"tier": tier.value})
        yield Reading(catalogue.SLO_TARGET, sources.slo_target, {"tier": tier.value})


def _build(sources: Sources) -> Iterator[Reading]:
    about = sources.about
    who = {"version": about.version, "revision": about.revision, "environment": about.environment}
    yield Reading(catalogue.BUILD_INFO, 1.0, {**who, "python": platform.python_version()})
