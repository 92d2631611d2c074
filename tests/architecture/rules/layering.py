"""Which part of the service may import which: the rules that a layer diagram cannot say.

import-linter holds the order of the layers (pyproject.toml). This rule holds what crosses a border inside one layer
or downwards: another part is known by its `port`, by value types, or by a helper named here, never by its adapters.
"""

import sys
from collections.abc import Iterator

from tests.architecture.rule import Rule, sample
from tests.architecture.source import Source

# Values, and helpers that hold no adapter: known by name to every part.
VALUES = {"alert_receivers", "ask.types", "auth.principal"}
SHARED = {
    "ask.prompt", "cache.key", "cache.single_flight", "generation.terms", "monitoring.wanted", "ollama.errors",
    "retrieval.threads", "whole_file",
}  # fmt: skip
# These put the parts together, so they may name any of them.
_COMPOSERS = {"__main__", "adapters", "bootstrap", "cli", "server", "app"}
_SETTINGS_READERS = {"__main__", "adapters", "bootstrap", "cli"}
_ROOTS = {"errors", "clock"}
_PARTS_ALSO_SEEN = {
    "api": {"services"},
    "probes": {"services"},
    "telemetry": {"services", "ollama"},
    "settings": {"setting_fields", "setting_values"},
}
_PORT_STEMS = {"port", "types"}


def _is_contract(source: Source) -> bool:
    """Whether it holds contracts: ports, value types, errors."""
    short = source.name.removeprefix("service.")
    return source.stem in _PORT_STEMS or short in {*VALUES, "errors", "services"}


def _targets(source: Source) -> Iterator[tuple[str, int]]:
    """What it imports of the service, without the leading "service."."""
    for imported, line in source.imports:
        if imported.startswith("service."):
            yield imported.removeprefix("service."), line


def _starts(target: str, names: set[str]) -> bool:
    """Whether `target` is one of the modules `names`, or something of one."""
    return any(f"{target}.".startswith(f"{name}.") for name in names)


def _is_port(target: str) -> bool:
    return target.split(".")[1:2] == ["port"] or ".port." in f"{target}."


def _crosses(source: Source) -> Iterator[tuple[int, str]]:
    if source.package in _COMPOSERS:
        return
    for target, line in _targets(source):
        part = target.partition(".")[0]
        allowed = (
            part == source.package
            or part in _ROOTS
            or part in _PARTS_ALSO_SEEN.get(source.package, set())
            or (source.stem.partition("_")[0] == "ollama" and part == "ollama")
            or _is_port(target)
            or _starts(target, VALUES | SHARED)
        )
        if not allowed:
            yield line, f"service.{target}: another part is known by its port only"


def _reads_settings(source: Source) -> Iterator[tuple[int, str]]:
    if source.package in _SETTINGS_READERS | {"settings"}:
        return
    for target, line in _targets(source):
        if _starts(target, {"settings"}):
            yield line, "settings are for __main__, bootstrap, adapters and cli; everyone else gets plain values"


def _contract_imports(source: Source) -> Iterator[tuple[int, str]]:
    if not _is_contract(source):
        return
    for imported, line in source.imports:
        if imported.startswith("service."):
            target = imported.removeprefix("service.")
            if not (_is_port(target) or _starts(target, VALUES | {"errors"})):
                yield line, f"{imported}: ports, types and errors import each other and the standard library only"
        elif imported.partition(".")[0] not in sys.stdlib_module_names:
            yield line, f"{imported}: ports, types and errors import the standard library only"


def _shared_imports(source: Source) -> Iterator[tuple[int, str]]:
    if source.name.removeprefix("service.") not in SHARED:
        return
    for imported, line in source.imports:
        target = imported.removeprefix("service.")
        if target != imported:
            if not (_is_port(target) or _starts(target, VALUES | SHARED | _ROOTS)):
                yield line, f"{imported}: a shared helper knows no adapter"
        elif imported.partition(".")[0] not in sys.stdlib_module_names:
            yield line, f"{imported}: a shared helper imports the standard library only"


def _relative(source: Source) -> Iterator[tuple[int, str]]:
    for imported, line in source.imports:
        if imported.startswith("."):
            yield line, "imports say the whole name"


BORDERS = Rule(
    "other parts are known by their ports",
    _crosses,
    good=(
        sample("service/ask/pipeline.py", "from service.cache.port import Cache\nfrom service.ask.laps import Laps"),
        sample("service/ask/keys.py", "from service.cache.key import answer_key"),
        sample("service/corpus/ingest.py", "from service.corpus.loaders.port import Loader"),
        sample("service/routing/ollama.py", "from service.ollama.client import Client"),
        sample("service/telemetry/pollers/models.py", "from service.ollama.client import Client"),
        sample("service/bootstrap.py", "from service.cache.memory import MemoryCache"),
        sample("service/api/ask.py", "from service.services import Services\nfrom service.ask.types import Question"),
    ),
    bad=(
        sample("service/ask/pipeline.py", "from service.cache.memory import MemoryCache"),
        sample("service/generation/extractive.py", "from service.retrieval.fts import FullText"),
        sample("service/api/ask.py", "from service.ask.pipeline import Pipeline"),
        sample("service/telemetry/instrumented/cache.py", "import service.cache.sqlite"),
        sample("service/monitoring/summary.py", "from service.telemetry.catalogue import Names"),
        sample("service/retrieval/hybrid.py", "from service.cache import memory"),
        sample("service/generation/step_down.py", "from service.ollama.client import Client"),
    ),
    folders=("service",),
)
SETTINGS = Rule(
    "settings are read by those who compose",
    _reads_settings,
    good=(
        sample("service/bootstrap.py", "from service.settings import Settings"),
        sample("service/cli/main.py", "from service import settings"),
    ),
    bad=(
        sample("service/app.py", "from service.settings import Settings"),
        sample("service/cache/sqlite.py", "import service.settings"),
        sample("service/api/ask.py", "from service import settings"),
    ),
    folders=("service",),
)
CONTRACTS = Rule(
    "ports, types and errors import the standard library and each other",
    _contract_imports,
    good=(
        sample("service/cache/port.py", "from typing import Protocol\nfrom service.errors import ServiceError"),
        sample("service/ask/types.py", "from service.routing.port import Tier"),
        sample("service/services.py", "from service.auth.principal import Principal"),
        sample("service/cache/memory.py", "from service.cache.tally import Tally"),
    ),
    bad=(
        sample("service/cache/port.py", "from pydantic import BaseModel"),
        sample("service/generation/port.py", "from service.generation.terms import terms"),
        sample("service/ask/types.py", "from service.cache.memory import MemoryCache"),
        sample("service/errors.py", "from fastapi import HTTPException"),
    ),
    folders=("service",),
)
HELPERS = Rule(
    "shared helpers hold no adapter",
    _shared_imports,
    good=(
        sample("service/cache/key.py", "import hashlib\nfrom service.cache.port import CacheKey"),
        sample("service/retrieval/threads.py", "import threading\nfrom service.clock import Clock"),
        sample("service/retrieval/fts.py", "from service.retrieval.rows import read"),
    ),
    bad=(
        sample("service/cache/key.py", "import numpy"),
        sample("service/retrieval/threads.py", "from service.retrieval.fts import FullText"),
        sample("service/generation/terms.py", "from service.settings import Settings"),
    ),
    folders=("service",),
)
WHOLE_NAMES = Rule(
    "imports say the whole name",
    _relative,
    good=(sample("service/cache/memory.py", "from service.cache.port import Cache"),),
    bad=(
        sample("service/cache/memory.py", "from .port import Cache"),
        sample("service/cache/memory.py", "from . import port"),
    ),
    folders=("service", "ops", "tests"),
)
