"""Vendors stay in their rooms, so that each can be replaced by changing one place."""

from collections.abc import Iterator
from fnmatch import fnmatch

from tests.architecture.rule import Rule, sample
from tests.architecture.source import Source

_HTTP = ("service/api/*", "service/app.py", "service/telemetry/asgi.py", "service/telemetry/exposition.py")
_OLLAMA = ("service/ollama/*", "service/*/ollama.py", "service/*/ollama_*.py")
_TELEMETRY = ("service/telemetry/*",)
_ROOMS = {
    "chromadb": ("service/retrieval/chroma.py",),
    "ollama": _OLLAMA,
    # The transport under the clients of Ollama and Chroma, whose errors and timeouts are part of theirs; and to Tempo.
    "httpx": (*_OLLAMA, "service/retrieval/chroma*.py", "service/telemetry/tempo.py", "service/cli/*"),
    "fastapi": _HTTP,
    "starlette": _HTTP,
    "uvicorn": ("service/server.py", "service/connection.py"),
    "opentelemetry": _TELEMETRY,
    "prometheus_client": _TELEMETRY,
    "pydantic": ("service/settings.py", "service/setting_fields.py", "service/setting_values.py", "service/api/*"),
    "pydantic_settings": ("service/settings.py",),
    "redis": ("service/cache/valkey.py",),
    "typer": ("service/cli/*",),
    "rich": ("service/cli/*",),
    "pypdf": ("service/corpus/loaders/pdf.py",),
    "selectolax": ("service/corpus/loaders/web_page.py",),
    "sentencex": ("service/corpus/sentences.py",),
    "watchfiles": ("service/corpus/*", "service/cli/*"),
}
# Our own client of Ollama is a room as well: everything else knows the models by their ports.
_OWN_CLIENT = "service.ollama"
_OWN_ERRORS = "service.ollama.errors."  # kinds of failure, without the client
_CLIENT_USERS = (*_OLLAMA, "service/telemetry/pollers/*", "service/adapters.py", "service/cli/*")


def _check(source: Source) -> Iterator[tuple[int, str]]:
    for imported, line in source.imports:
        vendor = imported.partition(".")[0]
        if vendor in _ROOMS and not _is_in(source.path, _ROOMS[vendor]):
            yield line, f"{vendor} belongs in {', '.join(_ROOMS[vendor])}"
        ours = f"{imported}.".startswith(f"{_OWN_CLIENT}.") and not imported.startswith(_OWN_ERRORS)
        if ours and not _is_in(source.path, _CLIENT_USERS):
            yield line, f"{_OWN_CLIENT} is used in {', '.join(_CLIENT_USERS)} only"


def _is_in(path: str, rooms: tuple[str, ...]) -> bool:
    return any(fnmatch(path, room) for room in rooms)


VENDORS = Rule(
    "vendors stay in their rooms",
    _check,
    good=(
        sample("service/retrieval/chroma.py", "import chromadb\nfrom chromadb.config import Settings"),
        sample("service/api/ask.py", "from fastapi import APIRouter\nfrom pydantic import BaseModel"),
        sample("service/telemetry/instrumented/cache.py", "from opentelemetry import trace"),
        sample("service/generation/ollama.py", "import ollama\nfrom service.ollama.client import Client"),
        sample("service/generation/breaker.py", "from service.ollama.errors import OllamaUnreachable"),
        sample("service/ask/pipeline.py", "import asyncio\nfrom service.cache.port import Cache"),
    ),
    bad=(
        sample("service/retrieval/hybrid.py", "import chromadb"),
        sample("service/retrieval/fts.py", "def search() -> None:\n    from chromadb.api import ClientAPI"),
        sample("service/ask/pipeline.py", "from fastapi import HTTPException"),
        sample("service/cache/memory.py", "from opentelemetry import trace"),
        sample("service/routing/policy.py", "import prometheus_client as p"),
        sample("service/generation/ollama.py", "from pydantic import BaseModel"),
        sample("service/ask/answering.py", "from service.ollama.client import Client"),
        sample("service/api/models.py", "from service import ollama"),
        sample("service/monitoring/summary.py", "import redis.asyncio"),
    ),
    folders=("service",),
)
