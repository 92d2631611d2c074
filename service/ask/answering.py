"""The work of a miss: from a routed question to an answer. Runs once per flight, whoever waits for it.

A model that cannot start is replaced by the next one, and at last by quoting; after the first token nothing is
replaced, because the reader has already seen it.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from service.ask.codec import decode, encode
from service.ask.compose import extractive_answer, generated_answer, no_context_answer
from service.ask.keys import final_prompt_key
from service.ask.laps import Laps
from service.ask.parts import Parts
from service.ask.prompt import Prompt
from service.ask.types import Answer, CacheFacts, Degradation, Question, Stage, Token
from service.cache.port import CacheEntry, CacheKey, CacheName, CacheResult
from service.clock import Clock
from service.errors import Dependency, DependencyError, DependencyTimeout, ErrorKind, ServiceError
from service.generation.port import Chunk, Completion, FinishReason, GenerationRequest
from service.retrieval.port import Retrieved
from service.routing.port import AUTO, Route, RouteReason

# Failures before the first token after which another model, or quoting, is still an answer. A timeout is not among
# them: its time is gone, and so is the patience of the one who asked.
_REPLACEABLE = frozenset({ErrorKind.CONNECTION_ERROR, ErrorKind.MODEL_NOT_FOUND})


@dataclass(frozen=True, slots=True)
class Worked:
    """What one flight brings: the answer, its stages in seconds, and the model's completion when one ran."""

    answer: Answer
    stages: Mapping[Stage, float] = field(default_factory=dict)
    completion: Completion | None = None
    cache: CacheFacts | None = None


class Answering:
    """Does the work of a miss."""

    def __init__(self, parts: Parts, clock: Clock) -> None:
        self._parts = parts
        self._clock = clock

    async def work(self, question: Question, route: Route, key: CacheKey) -> AsyncIterator[Token | Worked]:
        """Tokens as they come, then one `Worked`. Raises `ServiceError`, its `stage` set."""
        laps = Laps(self._clock)
        try:
            found = await self._retrieve(question, laps)
            if not found.passages:
                worked = Worked(no_context_answer(found.degraded))
            elif route.model is None:
                worked = self._quote(question, found, laps, self._absence())
            else:
                worked = None
                async with aclosing(self._generate(question, route, found, laps)) as pieces:
                    async for piece in pieces:
                        if isinstance(piece, Token):
                            yield piece
                        else:
                            worked = piece
                if worked is None:
                    worked = self._quote(question, found, laps, self._absence())
            await self._store(question, key, worked, laps)
            yield replace(worked, stages=laps.stages)
        except ServiceError as error:
            error.stage = error.stage or laps.current
            raise

    async def _retrieve(self, question: Question, laps: Laps) -> Retrieved:
        vector = None
        with laps.of(Stage.EMBED):
            if await self._parts.embedder.identify() is not None:
                try:
                    async with asyncio.timeout(self._parts.budgets.embed_s):
                        vector = (await self._parts.embedder.embed([question.text])).vectors[0]
                except (DependencyError, TimeoutError):
                    vector = None  # keywords alone still find a lot, and the answer says so
        with laps.of(Stage.RETRIEVE):
            try:
                async with asyncio.timeout(self._parts.budgets.retrieve_s):
                    return await self._parts.retriever.retrieve(question.text, vector, question.top_k)
            except TimeoutError as error:
                detail = f"the documents were not searched within {self._parts.budgets.retrieve_s:g} s; try again"
                raise DependencyTimeout(Dependency.SQLITE, detail) from error

    async def _generate(
        self, question: Question, route: Route, found: Retrieved, laps: Laps
    ) -> AsyncIterator[Token | Worked]:
        """The first model that starts. Ends without a `Worked` when none does."""
        with laps.of(Stage.PROMPT):
            prompt = self._parts.prompts.build(question.text, found.passages, question.max_tokens)
        fallbacks = route.fallbacks if route.reason is not RouteReason.REQUESTED else ()
        for model in (str(route.model), *fallbacks):
            started = False
            try:
                async with aclosing(self._generate_with(model, question, route, prompt, found, laps)) as pieces:
                    async for piece in pieces:
                        started = True
                        yield piece
                return
            except ServiceError as error:
                if started or error.kind not in _REPLACEABLE:
                    raise
                if error.kind is ErrorKind.MODEL_NOT_FOUND and question.model not in {AUTO, ""} and not fallbacks:
                    raise

    async def _generate_with(
        self, model: str, question: Question, route: Route, prompt: Prompt, found: Retrieved, laps: Laps
    ) -> AsyncIterator[Token | Worked]:
        key = final_prompt_key(question, model, prompt, self._parts)
        with laps.of(Stage.CACHE_LOOKUP):
            kept = await self._parts.prompt_cache.lookup((key,), question.cache)
        if kept.entry is not None:
            facts = CacheFacts(
                CacheResult.HIT, CacheName.PROMPT, kept.age_s, kept.entry.cost_s,
                kept.entry.origin_trace_id, kept.entry.origin_span_id,
            )  # fmt: skip
            yield Worked(decode(kept.entry.payload), cache=facts)
            return
        laps.current = Stage.ADMISSION
        arrived = self._clock.monotonic()
        async with self._parts.limiter.admit(model):
            laps.add(Stage.ADMISSION, self._clock.monotonic() - arrived)
            text: list[str] = []
            completion: Completion | None = None
            with laps.of(Stage.GENERATE):
                remaining_s = max(0.1, self._parts.budgets.total_s - laps.elapsed_s)
                request = GenerationRequest(
                    model, prompt.messages, route.tier, question.temperature, question.max_tokens, remaining_s
                )
                async with aclosing(self._parts.generator.generate(request)) as stream:  # type: ignore[type-var]
                    async for item in stream:
                        if isinstance(item, Chunk):
                            if not item.thinking:
                                text.append(item.text)
                            yield Token(item.text, item.thinking)
                        else:
                            completion = item
        if completion is None:
            raise ServiceError(ErrorKind.STREAM_ERROR, f"{model} stopped without finishing its answer; try again")
        answer = generated_answer("".join(text), prompt, found, completion, stepped=model != route.wanted)
        await self._keep(self._parts.prompt_cache, key, question, answer, laps)
        yield Worked(answer, completion=completion)
