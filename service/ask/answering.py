"""The work of a miss: from a routed question to an answer. Runs once per flight, whoever waits for it.

A model that cannot start is replaced by the next one, and at last by quoting; after the first token nothing is
replaced, because the reader has already seen it.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, nullcontext
from dataclasses import dataclass

from service.ask.codec import decode, encode
from service.ask.compose import extractive_answer, generated_answer, no_context_answer
from service.ask.keys import final_prompt_key, made_key
from service.ask.laps import Laps
from service.ask.parts import Parts
from service.ask.prompt import Prompt
from service.ask.types import Answer, CacheFacts, Degradation, Mode, Question, Stage, Token, TraceRef
from service.cache.port import Cache, CacheEntry, CacheKey, CacheName, CacheResult, Lookup
from service.clock import Clock
from service.errors import Dependency, DependencyError, DependencyTimeout, ErrorKind, ServiceError
from service.generation.port import Chunk, Completion, GenerationRequest
from service.retrieval.port import Retrieved
from service.routing.port import Route, RouteReason

# Failures before the first token after which another model, or quoting, is still an answer. A timeout is not among
# them: its time is gone, and so is the patience of the one who asked.
_REPLACEABLE = frozenset({ErrorKind.CONNECTION_ERROR, ErrorKind.MODEL_NOT_FOUND})
_TRUNCATED = frozenset({Degradation.OUTPUT_TRUNCATED, Degradation.PROMPT_TRUNCATED})


@dataclass(frozen=True, slots=True)
class Worked:
    """What one flight brings. `trace` is of the request that led it; `cache` is set when the second level had it."""

    answer: Answer
    trace: TraceRef = TraceRef()
    completion: Completion | None = None
    cache: CacheFacts | None = None


class Answering:
    """Does the work of a miss."""

    def __init__(self, parts: Parts, clock: Clock) -> None:
        self._parts = parts
        self._clock = clock

    async def work(self, question: Question, route: Route, laps: Laps) -> AsyncIterator[Token | Worked]:
        """Tokens as they come, then one `Worked`. Raises `ServiceError`, its `stage` set. Times go into `laps`."""
        try:
            # Read before the search: an answer from an older corpus must never be kept under a newer version.
            version = self._parts.corpus_version()
            laps.current = Stage.ADMISSION
            # Claimed before the search, which would be work for nothing when there is no place.
            with self._parts.limiter.reserve(route.model) if route.model else nullcontext():
                found = await self._retrieve(question, laps)
                worked: Worked | None = None
                if found.passages and route.model is not None:
                    async with aclosing(self._generate(question, route, found, laps)) as pieces:
                        async for piece in pieces:
                            if isinstance(piece, Worked):
                                worked = piece
                            else:
                                yield piece
            if worked is None:
                worked = Worked(self._quote(question, found, laps), question.trace)
            await self._store(question, version, worked.answer, laps)
            yield worked
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
    ) -> AsyncGenerator[Token | Worked, None]:
        """The first model that starts. Ends without a `Worked` when none does."""
        with laps.of(Stage.PROMPT):
            prompt = self._parts.prompts.build(question.text, found.passages, question.max_tokens)
        for model in (str(route.model), *route.fallbacks):
            started = False
            try:
                async with aclosing(self._ask_model(model, question, route, prompt, found, laps)) as pieces:
                    async for piece in pieces:
                        started = True
                        yield piece
                return
            except ServiceError as error:
                # Who names a model wants to hear that it is not there, not to be given another one.
                named = route.reason is RouteReason.REQUESTED and error.kind is ErrorKind.MODEL_NOT_FOUND
                if started or named or error.kind not in _REPLACEABLE:
                    raise

    async def _ask_model(
        self, model: str, question: Question, route: Route, prompt: Prompt, found: Retrieved, laps: Laps
    ) -> AsyncGenerator[Token | Worked, None]:
        key = final_prompt_key(question, model, prompt, self._parts)
        with laps.of(Stage.CACHE_LOOKUP):
            kept = await self._parts.prompt_cache.lookup((key,), question.cache)
            known = known_answer(kept)
        if known is not None and kept.entry is not None:
            yield Worked(known, question.trace, cache=hit_facts(CacheName.PROMPT, kept.entry, kept.age_s))
            return
        laps.current = Stage.ADMISSION
        arrived = self._clock.monotonic()
        async with self._parts.limiter.admit(model):
            laps.add(Stage.ADMISSION, self._clock.monotonic() - arrived)
            remaining_s = max(0.1, self._parts.budgets.total_s - laps.elapsed_s)
            request = GenerationRequest(
                model, prompt.messages, route.tier, question.temperature, question.max_tokens, remaining_s
            )
            text: list[str] = []
            completion: Completion | None = None
            with laps.of(Stage.GENERATE):
                async with aclosing(self._parts.generator.generate(request)) as stream:
                    async for item in stream:
                        if isinstance(item, Completion):
                            completion = item
                        else:
                            text.extend(_said(item))
                            yield Token(item.text, item.thinking)
        if completion is None:
            raise ServiceError(ErrorKind.STREAM_ERROR, f"{model} stopped without finishing its answer; ask again")
        if completion.cold:
            self._parts.note_load(model, completion.load_s)
        answer = generated_answer("".join(text), prompt, found.degraded, completion)
        await self._keep(self._parts.prompt_cache, key, question, answer, laps)
        yield Worked(answer, question.trace, completion)

    def _quote(self, question: Question, found: Retrieved, laps: Laps) -> Answer:
        if not found.passages:
            return no_context_answer(found.degraded, self._parts.waiting())
        with laps.of(Stage.EXTRACT):
            excerpts = self._parts.extractor.extract(question.text, found.passages)
            return extractive_answer(excerpts, found.degraded, self._absence())

    def _absence(self) -> Degradation:
        reachable = self._parts.directory.snapshot().reachable
        return Degradation.MODEL_UNAVAILABLE if reachable else Degradation.LLM_UNREACHABLE

    async def _store(self, question: Question, version: int, answer: Answer, laps: Laps) -> None:
        # Under the key of the model that really answered, never under that of the one that was wanted.
        key = made_key(question, answer.model, version, self._parts)
        await self._keep(self._parts.answers, key, question, answer, laps)

    async def _keep(self, cache: Cache, key: CacheKey, question: Question, answer: Answer, laps: Laps) -> None:
        """Keep what is whole. Truncated answers and refusals are not kept; degraded ones only for a short while."""
        if answer.mode is Mode.NO_CONTEXT or _TRUNCATED.intersection(answer.degraded):
            return
        budgets = self._parts.budgets
        with laps.of(Stage.CACHE_STORE):
            entry = CacheEntry(
                payload=encode(answer),
                created_at=self._clock.time(),
                ttl_s=budgets.degraded_ttl_s if answer.degraded else budgets.ttl_s,
                cost_s=laps.elapsed_s,
                origin_trace_id=question.trace.trace_id,
                origin_span_id=question.trace.span_id,
            )
            await cache.store(key, entry, question.cache)


def known_answer(found: Lookup) -> Answer | None:
    """The answer of a hit. One that cannot be read is as good as absent: it is made again and written over."""
    if found.entry is None:
        return None
    try:
        return decode(found.entry.payload)
    except ValueError:
        return None


def hit_facts(name: CacheName, entry: CacheEntry, age_s: float, *, degraded: bool = False) -> CacheFacts:
    """What a hit tells about itself: its age, the seconds it saved, and the trace that made it."""
    origin = (entry.origin_trace_id, entry.origin_span_id)
    return CacheFacts(CacheResult.HIT, name, age_s, entry.cost_s, *origin, degraded=degraded)


def _said(chunk: Chunk) -> tuple[str, ...]:
    return () if chunk.thinking else (chunk.text,)
