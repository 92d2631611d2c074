"""What `doctor` looks at over the network: our own service, Ollama and its models, Chroma, Valkey."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

import httpx

from service.cli.client import address_of
from service.cli.finding import Finding, State
from service.cli.local_checks import port
from service.cli.surroundings import Surroundings
from service.cli.wording import plain
from service.settings import Settings

_TIMEOUT_S = 1.5
# No address: a model that answers by rule (`bootstrap.py`).
_SCRIPTED = "scripted:"
_REDIS_PORT = 6379


async def ports(settings: Settings) -> list[Finding]:
    """Each port is free, or our own service listens there."""
    version = await _own_version(settings)
    server, metrics = settings.server, settings.metrics
    found = []
    if version is not None:
        seen = f"{address_of(settings)} answers: {plain(version)}"
        found.append(Finding("service", State.OK, seen))
    else:
        found.append(await _port("service port", server.host, server.port, "RAG_SERVER__PORT", State.PROBLEM))
    if metrics.port == 0:
        found.append(Finding("metrics port", State.OK, "switched off; /metrics is on the service's port"))
    elif version is None or not await _is_up(f"http://{_host(metrics.host)}:{metrics.port}/metrics"):
        found.append(await _port("metrics port", metrics.host, metrics.port, "RAG_METRICS__PORT", State.PROBLEM))
    else:
        found.append(Finding("metrics port", State.OK, f"{metrics.host}:{metrics.port} answers"))
    return found


async def ollama(here: Surroundings) -> list[Finding]:
    """The server, and one finding per configured model."""
    settings = here.settings
    if settings.ollama.url.startswith(_SCRIPTED):
        return [Finding("Ollama", State.INFO, "not asked: answers are made by rule, for development")]
    async with here.open_models(settings) as store:
        snapshot = await store.refresh()
    if not snapshot.reachable:
        todo = "Start it (`ollama serve`) or set RAG_OLLAMA__URL; until then answers are quotations."
        return [Finding("Ollama", State.WARNING, f"{settings.ollama.url} does not answer", todo)]
    version = await _ollama_version(settings)
    found = [Finding("Ollama", State.OK, f"{settings.ollama.url}{f', version {version}' if version else ''}")]
    for name, model in snapshot.models.items():
        check = "embedding model" if name == settings.embedding.model else "model"
        if model.installed:
            found.append(Finding(check, State.OK, f"{name}, {'loaded' if model.resident else 'installed'}"))
        else:
            found.append(Finding(check, State.WARNING, f"{name} is missing", f"Run `emini-rag models pull {name}`."))
    if not settings.embedding.model:
        found.append(Finding("embedding model", State.INFO, "switched off: search is by keywords"))
    return found


async def chroma(settings: Settings) -> list[Finding]:
    """A Chroma server's heartbeat."""
    url = settings.chroma.url
    if await _is_up(f"{url.rstrip('/')}/api/v2/heartbeat"):
        return [Finding("Chroma", State.OK, f"{url} answers")]
    todo = "Start it, or set RAG_CHROMA__URL; until then search is by keywords."
    return [Finding("Chroma", State.WARNING, f"{url} does not answer", todo)]


async def valkey(settings: Settings) -> list[Finding]:
    """The shared cache accepts connections. The address may hold a password, so only host and port are shown."""
    where, listens = await _listens(settings.cache.url)
    if listens:
        return [Finding("shared cache", State.OK, f"{where} listens")]
    todo = "Start it, or set RAG_CACHE__URL; until then each process keeps its own answers."
    return [Finding("shared cache", State.WARNING, f"{where} does not answer", todo)]


async def _port(name: str, host: str, number: int, variable: str, taken: State) -> Finding:
    return await asyncio.to_thread(port, name, host, number, variable, taken)


async def _own_version(settings: Settings) -> str | None:
    """Name, version and environment of our service on our port; None when it is not there."""
    told: dict[str, object] = {}

    def read(reply: httpx.Response) -> None:
        told.update(reply.json())

    if settings.server.port and await _is_up(f"{address_of(settings)}/healthz", read) and "service" in told:
        return f"{told['service']} {told.get('version', '')} ({told.get('environment', '')})"
    return None


async def _ollama_version(settings: Settings) -> str:
    told: dict[str, object] = {}

    def read(reply: httpx.Response) -> None:
        told.update(reply.json())

    await _is_up(f"{settings.ollama.url.rstrip('/')}/api/version", read)
    return plain(told.get("version", ""))


async def _is_up(url: str, read: Callable[[httpx.Response], None] = lambda _: None) -> bool:
    """Whether a GET gives a 2xx whose body `read` understands."""
    with suppress(httpx.HTTPError, httpx.InvalidURL, ValueError, TypeError):
        async with httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False) as client:
            reply = await client.get(url)
            if reply.is_success:
                read(reply)
                return True
    return False


async def _listens(url: str) -> tuple[str, bool]:
    """Host and port of an address, and whether a connection is accepted there."""
    try:
        parts = urlsplit(url)
        host, number = parts.hostname or "", parts.port or _REDIS_PORT
    except ValueError:
        return "the configured address", False
    where = f"{_host(host)}:{number}"
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(_TIMEOUT_S):
            _, writer = await asyncio.open_connection(host, number)
        writer.close()
        return where, True
    return where, False


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else host
