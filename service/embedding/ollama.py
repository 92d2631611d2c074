"""Vectors from Ollama's /api/embed.

Loading an embedding model can take longer than a question may wait, and Ollama gives up a load when the client that
asked for it leaves. So a model that is too slow to answer is loaded by a background call with a deadline of its own,
and until it is there nobody waits for it: `identify` says None, and search goes by keywords.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Sequence

import ollama

from service.clock import Clock
from service.embedding.port import Embedded, EmbedderId, Purpose
from service.embedding.prefixes import prefix_of
from service.errors import (
    BadDependencyReply,
    Dependency,
    DependencyTimeout,
    DependencyUnavailable,
    ErrorKind,
    ServiceError,
    UnknownModel,
)
from service.ollama.client import calling, keep_alive_of
from service.routing.port import ModelSnapshot

_log = logging.getLogger(__name__)
_PROBE_TEXT = "dimensions"
_NS = 1e-9
# No embedding model has a window of fewer tokens than this many characters can make.
_SURELY_FITS_CHARS = 512


class OllamaEmbedder:
    """Implements `Embedder`. `snapshot` is the model directory's: it says whether the model is there, and its digest.

    The number of dimensions is found out once per digest. `query_timeout_s` bounds a question's vector,
    `document_timeout_s` a batch of documents, `identify_s` the wait for the first look at a new model, `load_s` the
    background call. `close` ends that call.
    """

    def __init__(
        self,
        client: ollama.AsyncClient,
        model: str,
        *,
        snapshot: Callable[[], ModelSnapshot],
        clock: Clock,
        query_timeout_s: float = 5.0,
        document_timeout_s: float = 120.0,
        identify_s: float = 1.0,
        load_s: float = 300.0,
        probe_pause_s: float = 5.0,
        keep_alive: str = "30m",
    ) -> None:
        self._client = client
        self._model = model
        self._snapshot = snapshot
        self._clock = clock
        self._timeouts = {Purpose.QUERY: query_timeout_s, Purpose.DOCUMENT: document_timeout_s}
        self._identify_s = identify_s
        self._load_s = load_s
        self._probe_pause_s = probe_pause_s
        self._keep_alive = keep_alive_of(keep_alive)
        self._dimensions: dict[str, int] = {}
        self._probe: asyncio.Task[None] | None = None
        self._probe_not_before = -math.inf

    @property
    def model(self) -> str:
        return self._model

    async def identify(self) -> EmbedderId | None:
        """See `Embedder.identify`. Waits at most `identify_s`, and only for a model not seen before."""
        digest = self._digest()
        if digest is None:
            return None
        if digest not in self._dimensions:
            await self._get_to_know(digest)
        # While the background call runs the model is being loaded, so it cannot answer now.
        if self._probe is not None or digest not in self._dimensions:
            return None
        return EmbedderId(self._model, digest, self._dimensions[digest])

    async def embed(self, texts: Sequence[str], *, purpose: Purpose = Purpose.QUERY) -> Embedded:
        """See `Embedder.embed`."""
        digest = self._digest()
        if digest is None:
            raise DependencyUnavailable(Dependency.OLLAMA, self._absence())
        prefix = prefix_of(self._model, purpose)
        started = self._clock.monotonic()
        try:
            reply = await self._ask([prefix + text for text in texts], self._timeouts[purpose])
        except (DependencyTimeout, asyncio.CancelledError):
            # The caller may have had a deadline of its own, a little before ours.
            if self._clock.monotonic() - started > self._timeouts[purpose] / 2:
                self._start_probe(digest)
            raise
        vectors = self._checked(reply, len(texts), digest)
        return Embedded(
            vectors,
            EmbedderId(self._model, digest, self._dimensions.get(digest, 0)),
            input_tokens=reply.prompt_eval_count or 0,
            total_s=self._clock.monotonic() - started,
            load_s=max(0, reply.load_duration or 0) * _NS,
        )

    async def close(self) -> None:
        """End the background call, if there is one."""
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.gather(self._probe, return_exceptions=True)

    def _digest(self) -> str | None:
        snapshot = self._snapshot()
        state = snapshot.models.get(self._model)
        return state.digest if snapshot.reachable and state is not None and state.installed else None

    def _absence(self) -> str:
        if self._snapshot().reachable:
            return f"{self._model} is not installed in Ollama: run `emini-rag models pull {self._model}`"
        return "Ollama cannot be reached, and with it the embedding model: start it, or set RAG_OLLAMA__URL"

    async def _ask(self, texts: Sequence[str], timeout_s: float) -> ollama.EmbedResponse:
        """One answer for all texts. Ollama cuts what is too long, but miscounts at times and refuses what it has cut
        itself; then the longest texts are halved here, since their beginning says enough."""
        started = self._clock.monotonic()
        while True:
            left_s = timeout_s - (self._clock.monotonic() - started)
            try:
                async with calling(f"vector from {self._model}", left_s, model=self._model):
                    return await self._client.embed(self._model, texts, truncate=True, keep_alive=self._keep_alive)
            except UnknownModel as error:
                # It was there at the last poll: for whoever searches it is simply away.
                raise DependencyUnavailable(Dependency.OLLAMA, error.detail) from error
            except BadDependencyReply as error:
                longest = max(map(len, texts), default=0)
                if error.kind is not ErrorKind.BAD_REQUEST or longest <= _SURELY_FITS_CHARS:
                    raise
                texts = [text[: longest // 2] for text in texts]

    def _checked(self, reply: ollama.EmbedResponse, wanted: int, digest: str) -> tuple[tuple[float, ...], ...]:
        """The vectors at length one. Raises `BadDependencyReply` for any that must not reach an index."""
        lengths = {len(vector) for vector in reply.embeddings}
        if len(reply.embeddings) != wanted or 0 in lengths or len(lengths) > 1:
            raise _unusable(f"{self._model} gave {len(reply.embeddings)} vectors of unequal or no length for {wanted}")
        if lengths and lengths != {self._dimensions.setdefault(digest, *lengths)}:
            # The tag was pulled anew and the poll has not seen it yet; the next one will.
            raise _unusable(f"{self._model} has changed its number of dimensions; try again in a few seconds")
        return tuple(self._unit(vector) for vector in reply.embeddings)

    def _unit(self, vector: Sequence[float]) -> tuple[float, ...]:
        norm = math.hypot(*vector)
        if not 0 < norm < math.inf:
            raise _unusable(f"{self._model} gave a vector without a direction")
        return tuple(value / norm for value in vector)

    async def _get_to_know(self, digest: str) -> None:
        if self._probe is None and self._clock.monotonic() >= self._probe_not_before:
            self._start_probe(digest)
        if self._probe is not None:
            await asyncio.wait({self._probe}, timeout=self._identify_s)

    def _start_probe(self, digest: str) -> None:
        if self._probe is None:
            self._probe = asyncio.create_task(self._load(digest), name=f"load {self._model}")
            self._probe.add_done_callback(self._probed)

    async def _load(self, digest: str) -> None:
        try:
            self._checked(await self._ask([_PROBE_TEXT], self._load_s), 1, digest)
        except ServiceError as error:
            self._probe_not_before = self._clock.monotonic() + self._probe_pause_s
            _log.warning("embedding model %s cannot be used yet: %s", self._model, error.detail)

    def _probed(self, _: asyncio.Task[None]) -> None:
        self._probe = None


def _unusable(detail: str) -> BadDependencyReply:
    return BadDependencyReply(ErrorKind.BAD_GATEWAY, Dependency.OLLAMA, detail)
