"""What `doctor` looks at where development stands beside production: whether the two share what both want to have to
themselves, the model server and with it the GPU."""

import httpx

from service.cli.drill import ports
from service.cli.finding import Finding, State
from service.cli.wording import count, plain, size
from service.settings import Settings

_TIMEOUT_S = 1.5
_NAME = "beside production"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_SEE = "The dashboard Dev beside prod shows what that costs."


async def shared_models(settings: Settings, beside: str = ports.OLLAMA) -> list[Finding]:
    """In development: whose model server it asks. In production: what development's, `beside` it, keeps in the GPU.
    Nothing where there is nothing to share."""
    url = settings.ollama.url
    try:
        own = httpx.URL(url)
    except httpx.InvalidURL:
        return []
    if own.scheme not in ("http", "https"):
        return []
    if settings.environment == ports.DEVELOPMENT:
        if own.host in _LOOPBACK and own.port == ports.PRODUCTION_OLLAMA:
            seen = f"development asks {url}, which is production's: models that it loads push production's out"
            todo = f"Give it its own at {ports.OLLAMA} (RAG_OLLAMA__URL, or `make stack` for development). {_SEE}"
            return [Finding(_NAME, State.WARNING, seen, todo)]
        return [Finding(_NAME, State.OK, f"development has a model server of its own, {url}")]
    if own.host in _LOOPBACK and own.port == httpx.URL(beside).port:
        return []
    return await _held(beside)


async def _held(beside: str) -> list[Finding]:
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=_TIMEOUT_S) as client:
            told = (await client.get(f"{beside}/api/ps")).json()
        models = [(str(one["name"]), int(one.get("size_vram", 0))) for one in told["models"]]
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return []
    in_gpu = [(name, held) for name, held in models if held > 0]
    if not in_gpu:
        return [Finding(_NAME, State.OK, f"development's model server at {beside} holds nothing in the GPU")]
    names = ", ".join(plain(name) for name, _ in in_gpu)
    seen = (
        f"development's model server at {beside} holds {count(len(in_gpu), 'model')} in the GPU: {names}, "
        f"{size(sum(held for _, held in in_gpu))}"
    )
    return [Finding(_NAME, State.WARNING, seen, f"Stop it while production is busy. {_SEE}")]
