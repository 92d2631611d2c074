"""Which models Ollama has installed (/api/tags) and in memory (/api/ps), as the last poll saw them.

Polling costs Ollama nothing and does not prolong a model's stay. While the server is away the last known digests stay,
so that answers made by those models are still found in the cache. `pull` is for operators: the caller checks the name
against the allow-list.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import cast

import ollama

from service.clock import Clock
from service.errors import BadDependencyReply, Dependency, ErrorKind, ServiceError
from service.ollama.client import calling, keep_alive_of
from service.routing.port import ModelSnapshot, ModelState
from service.routing.router import full_name

_Installed = ollama.ListResponse.Model
_Loaded = ollama.ProcessResponse.Model
_Steps = AsyncGenerator[ollama.ProgressResponse, None]
_EMBEDDING = "embedding"


@dataclass(frozen=True, slots=True)
class PullProgress:
    """One step of a download. Sizes are those of `layer`; 0, and no layer, for steps such as verifying."""

    status: str
    completed_bytes: int = 0
    total_bytes: int = 0
    layer: str = ""


class OllamaModelDirectory:
    """Implements `ModelDirectory` for the models in `names` (chat models and the embedder), by their configured names.

    `num_ctx` and `keep_alive` must be those of the generator, or the first answer would load the model again.
    `digests` are those known from an earlier run; they hold until Ollama is seen.
    """

    def __init__(
        self,
        client: ollama.AsyncClient,
        names: Sequence[str],
        clock: Clock,
        *,
        num_ctx: int = 8192,
        keep_alive: str = "30m",
        poll_timeout_s: float = 2.0,
        load_timeout_s: float = 300.0,
        pull_silence_s: float = 300.0,
        digests: Mapping[str, str] | None = None,
    ) -> None:
        self._client = client
        self._clock = clock
        self._num_ctx = num_ctx
        self._keep_alive = keep_alive_of(keep_alive)
        self._poll_timeout_s = poll_timeout_s
        self._load_timeout_s = load_timeout_s
        self._pull_silence_s = pull_silence_s
        known = digests or {}
        self._current = ModelSnapshot(models={name: ModelState(name, digest=known.get(name)) for name in names})
        self._capabilities: dict[str, frozenset[str]] = {}
        self._resident: frozenset[str] | None = None
        self._polling = asyncio.Lock()

    def snapshot(self) -> ModelSnapshot:
        return self._current

    async def refresh(self) -> ModelSnapshot:
        """See `ModelDirectory.refresh`. Polls one after another, so that an older one never overwrites a newer one."""
        async with self._polling:
            try:
                async with calling("list of models from Ollama", self._poll_timeout_s):
                    installed = (await self._client.list()).models
                    loaded = (await self._client.ps()).models
            except ServiceError as error:
                self._current = _away(self._current, self._clock.time(), error.detail)
            else:
                await self._learn_capabilities(installed)
                self._current = self._seen(installed, loaded)
            return self._current

    async def preload(self, model: str) -> None:
        """See `ModelDirectory.preload`."""
        if not self._current.polled_at:
            await self.refresh()
        known = self._current.models.get(model, ModelState(model))
        async with calling(f"load of {model}", self._load_timeout_s, model=model):
            # An embedder is loaded by embedding nothing, a chat model by generating nothing.
            if _EMBEDDING in known.capabilities:
                await self._client.embed(model, [], keep_alive=self._keep_alive)
            else:
                options = {"num_ctx": self._num_ctx}
                await self._client.generate(model, options=options, keep_alive=self._keep_alive)
        await self.refresh()

    async def pull(self, model: str) -> AsyncGenerator[PullProgress, None]:
        """Download a model; ends when it is installed. Raises `ServiceError` with Ollama's own words, since it is the
        operator who reads them. Closing the iterator stops the download; a later pull goes on from there."""
        async with calling(f"progress of {model}", self._pull_silence_s, model=model):
            # The vendor says iterator; it is a generator, and closing it is what closes the connection.
            steps = cast(_Steps, await self._client.pull(model, stream=True))
        status = ""
        async with aclosing(steps):
            while step := await self._step(steps, model, begun=bool(status)):
                status = step.status or ""
                yield PullProgress(status, step.completed or 0, step.total or 0, step.digest or "")
        if status != "success":
            detail = f"the download of {model} ended early; run it again, it goes on where it stopped"
            raise BadDependencyReply(ErrorKind.STREAM_ERROR, Dependency.OLLAMA, detail)
        await self.refresh()

    async def _step(self, steps: _Steps, model: str, *, begun: bool) -> ollama.ProgressResponse | None:
        try:
            async with calling(f"progress of {model}", self._pull_silence_s, model=model, begun=begun):
                return await anext(steps, None)
        except BadDependencyReply as error:
            detail = f"{model} was not downloaded: {_words_of(error)}"
            raise BadDependencyReply(error.kind, Dependency.OLLAMA, detail) from error

    async def _learn_capabilities(self, installed: Sequence[_Installed]) -> None:
        """Ask once per digest what a configured model can do. Not knowing is no failure; the next poll asks again."""
        configured = {full_name(name) for name in self._current.models}
        for model in installed:
            name, digest = model.model or "", model.digest or ""
            if name not in configured or digest in self._capabilities:
                continue
            try:
                async with calling(f"description of {name}", self._poll_timeout_s, model=name):
                    shown = await self._client.show(name)
            except ServiceError:
                continue
            self._capabilities[digest] = frozenset(shown.capabilities or ())

    def _seen(self, installed: Sequence[_Installed], loaded: Sequence[_Loaded]) -> ModelSnapshot:
        tags = {model.model: model for model in installed}
        running = {model.model: model for model in loaded}
        resident = frozenset(model.digest or "" for model in loaded)
        swapped = self._resident is not None and resident != self._resident
        self._resident = resident
        models = {
            name: self._state(name, tags.get(full_name(name)), running.get(full_name(name)))
            for name in self._current.models
        }
        return ModelSnapshot(
            reachable=True,
            polled_at=self._clock.time(),
            models=models,
            swaps=self._current.swaps + swapped,
            poll_errors=self._current.poll_errors,
        )

    def _state(self, name: str, tag: _Installed | None, loaded: _Loaded | None) -> ModelState:
        if tag is None:
            return ModelState(name)
        details = tag.details
        state = ModelState(
            name=name,
            installed=True,
            digest=tag.digest,
            size_bytes=int(tag.size or 0),
            quantization=(details and details.quantization_level) or "",
            parameter_size=(details and details.parameter_size) or "",
            capabilities=self._capabilities.get(tag.digest or "", frozenset()),
        )
        if loaded is None:
            return state
        return replace(
            state,
            resident=True,
            size_bytes=int(loaded.size or 0) or state.size_bytes,
            vram_bytes=int(loaded.size_vram or 0),
            expires_at=loaded.expires_at.timestamp() if loaded.expires_at else None,
            context_length=loaded.context_length or 0,
        )


def _away(last: ModelSnapshot, now: float, detail: str) -> ModelSnapshot:
    """The last snapshot without what only a running server can hold."""
    models: Mapping[str, ModelState] = {
        name: replace(state, resident=False, vram_bytes=0, expires_at=None, context_length=0)
        for name, state in last.models.items()
    }
    return replace(
        last, reachable=False, polled_at=now, models=models, poll_errors=last.poll_errors + 1, last_error=detail
    )


def _words_of(error: ServiceError) -> str:
    cause = error.__cause__
    return cause.error if isinstance(cause, ollama.ResponseError) else error.detail
