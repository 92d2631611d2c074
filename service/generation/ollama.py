"""Answers from Ollama, always streamed, so that closing the iterator stops the model.

Four waits are bounded: for a connection (in the client), for the first token (which covers a cold load), between two
tokens, and for the whole answer. A loaded model that stays silent is unloaded, see `ollama_unload`. The same options
go with every call of a model, or Ollama would load it again. A lost connection is tried once more if nothing has been
heard yet and the retry budget allows; nothing else is.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import replace
from typing import cast

import ollama

from service.clock import Clock
from service.errors import BadDependencyReply, Dependency, DependencyTimeout, DependencyUnavailable, ErrorKind
from service.generation.breaker import Attempt, Breakers
from service.generation.ollama_unload import unload
from service.generation.ollama_watch import Watch
from service.generation.phases import phases_of, was_cold, was_truncated
from service.generation.port import Chunk, Completion, FinishReason, GenerationRequest
from service.generation.retries import RetryBudget
from service.generation.thinking import think_of
from service.ollama.client import calling, keep_alive_of
from service.ollama.errors import BudgetSpent
from service.routing.port import ModelSnapshot, ModelState, Tier

# Any fixed number: with it, and temperature 0, the same prompt gives the same answer.
_SEED = 42
_RETRY_PAUSE_S = 0.05
# After the last message only the end of the stream can come; waiting for it keeps the connection for the next call.
_END_S = 0.5
_FINISH = {"stop": FinishReason.STOP, "length": FinishReason.LENGTH}

_Stream = AsyncGenerator[ollama.ChatResponse, None]


class OllamaGenerator:
    """Implements `Generator`. `snapshot` is the model directory's; it gives digests, residency and capabilities.

    `thinking_tiers` are those in which models that can think may do so; elsewhere they are told not to.
    """

    def __init__(
        self,
        client: ollama.AsyncClient,
        *,
        breakers: Breakers,
        snapshot: Callable[[], ModelSnapshot],
        clock: Clock,
        first_token_s: float = 60.0,
        between_tokens_s: float = 15.0,
        num_ctx: int = 8192,
        keep_alive: str = "30m",
        thinking_tiers: frozenset[Tier] = frozenset(),
        retries: RetryBudget | None = None,
    ) -> None:
        self._client = client
        self._breakers = breakers
        self._snapshot = snapshot
        self._clock = clock
        self._first_token_s = first_token_s
        self._between_tokens_s = between_tokens_s
        self._num_ctx = num_ctx
        self._keep_alive = keep_alive_of(keep_alive)
        self._thinking_tiers = thinking_tiers
        self._retries = retries or RetryBudget(clock)
        self._answered_under: dict[str, float] = {}

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[Chunk | Completion, None]:
        """See `Generator.generate`."""
        known = self._known(request.model)
        watch = Watch(self._clock, request)
        with self._breakers.attempt(request.model) as attempt:
            async with aclosing(self._replies(request, known, watch, attempt)) as replies:
                async for reply in replies:
                    attempt.answered()
                    self._answered_under[request.model] = self._snapshot().polled_at
                    for chunk in _chunks(reply):
                        watch.heard(chunk)
                        yield chunk
                    if reply.done:
                        attempt.succeeded()
                        yield self._completion(reply, request, known, watch)
                        return
            detail = f"{request.model} stopped without finishing its answer; ask again"
            raise BadDependencyReply(ErrorKind.STREAM_ERROR, Dependency.OLLAMA, detail)

    def _known(self, model: str) -> ModelState:
        """What the last poll saw, and that a model which has answered since is in memory."""
        snapshot = self._snapshot()
        state = snapshot.models.get(model, ModelState(model))
        answered = self._answered_under.get(model) == snapshot.polled_at
        return replace(state, resident=True) if answered else state

    async def _replies(self, request: GenerationRequest, known: ModelState, watch: Watch, attempt: Attempt) -> _Stream:
        """What the server sends, each message within its deadline."""
        stream, reply = await self._begin(request, known, watch, attempt)
        async with aclosing(stream):
            while reply is not None:
                if reply.done:
                    await _end_of(stream)
                yield reply
                if reply.done:
                    return
                async with watch.bounded("further token", self._between_tokens_s, begun=True):
                    reply = await anext(stream, None)

    async def _begin(
        self, request: GenerationRequest, known: ModelState, watch: Watch, attempt: Attempt
    ) -> tuple[_Stream, ollama.ChatResponse | None]:
        """An open stream and its first message; a connection lost before that is tried once more."""
        self._retries.note_call()
        try:
            return await self._open(request, known, watch)
        except DependencyUnavailable:
            if attempt.probing or not self._retries.take():
                raise
        async with watch.bounded("answer", self._first_token_s):
            await asyncio.sleep(_RETRY_PAUSE_S)
        return await self._open(request, known, watch)

    async def _open(
        self, request: GenerationRequest, known: ModelState, watch: Watch
    ) -> tuple[_Stream, ollama.ChatResponse | None]:
        try:
            return await self._first(request, known, watch)
        except BudgetSpent:
            raise
        except DependencyTimeout:
            # Cold, it may just be long in loading; that must not be begun again and again.
            if known.resident:
                await unload(self._client, request.model, self._first_token_s)
            raise

    async def _first(
        self, request: GenerationRequest, known: ModelState, watch: Watch
    ) -> tuple[_Stream, ollama.ChatResponse | None]:
        async with watch.bounded("first token", self._first_token_s):
            replies = await self._client.chat(
                request.model,
                [{"role": message.role, "content": message.content} for message in request.messages],
                stream=True,
                think=think_of(known, wanted=request.tier in self._thinking_tiers),
                options={
                    "num_ctx": self._num_ctx,
                    "num_predict": request.max_tokens,
                    "temperature": request.temperature,
                    "seed": _SEED,
                },
                keep_alive=self._keep_alive,
            )
            # The vendor says iterator; it is a generator, and closing it is what closes the connection.
            stream = cast(_Stream, replies)
            return stream, await anext(stream, None)

    def _completion(
        self, reply: ollama.ChatResponse, request: GenerationRequest, known: ModelState, watch: Watch
    ) -> Completion:
        total_s = watch.elapsed_s
        phases = phases_of(
            total_s=total_s,
            total_ns=reply.total_duration,
            load_ns=reply.load_duration,
            prompt_eval_ns=reply.prompt_eval_duration,
            eval_ns=reply.eval_duration,
        )
        input_tokens = reply.prompt_eval_count or 0
        return Completion(
            model=request.model,
            digest=known.digest,
            finish=_FINISH.get(reply.done_reason or "", FinishReason.OTHER),
            input_tokens=input_tokens,
            output_tokens=reply.eval_count or 0,
            total_s=total_s,
            first_chunk_s=total_s if watch.first_chunk_s is None else watch.first_chunk_s,
            first_answer_s=total_s if watch.first_answer_s is None else watch.first_answer_s,
            queue_s=phases.queue_s,
            load_s=phases.load_s,
            prompt_eval_s=phases.prompt_eval_s,
            eval_s=phases.eval_s,
            cold=was_cold(phases.load_s, resident=known.resident),
            prompt_truncated=was_truncated(input_tokens, self._num_ctx, known.context_length),
        )


def _chunks(reply: ollama.ChatResponse) -> Iterator[Chunk]:
    if reply.message.thinking:
        yield Chunk(reply.message.thinking, thinking=True)
    if reply.message.content:
        yield Chunk(reply.message.content)


async def _end_of(stream: _Stream) -> None:
    """Read the end of a stream whose last message is here. Whatever goes wrong now changes nothing."""
    with contextlib.suppress(DependencyTimeout, DependencyUnavailable, BadDependencyReply):
        async with calling("end of the stream", _END_S, begun=True):
            await anext(stream, None)
