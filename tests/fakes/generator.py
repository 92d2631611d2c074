"""A generator that says what the test tells it to."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from service.errors import Dependency, DependencyTimeout, UnknownModel
from service.generation.port import Chunk, Completion, FinishReason, GenerationRequest

# One call's script, in order. Text is a chunk, an event is waited for, an exception is raised.
Step = str | Chunk | Completion | BaseException | asyncio.Event
DEFAULT_STEPS: tuple[Step, ...] = ("The answer ", "is in ", "the documents [1].")


def completion_of(
    model: str = "llama3.2:3b",
    *,
    digest: str | None = None,
    finish: FinishReason = FinishReason.STOP,
    input_tokens: int = 40,
    output_tokens: int = 8,
    cold: bool = False,
    prompt_truncated: bool = False,
) -> Completion:
    """A completion whose phases are round numbers that sum to less than the total."""
    return Completion(
        model=model,
        digest=digest or f"sha-{model}",
        finish=finish,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        total_s=2.0,
        first_chunk_s=1.75 if cold else 0.5,
        first_answer_s=1.75 if cold else 0.5,
        queue_s=0.1,
        load_s=1.5 if cold else 0.01,
        prompt_eval_s=0.1,
        eval_s=0.2,
        cold=cold,
        prompt_truncated=prompt_truncated,
    )


class FakeGenerator:
    """Implements `Generator`. Each call plays the next script of `scripts`, else `DEFAULT_STEPS`.

    A script that neither raises nor ends with a `Completion` gets `completion_of(request.model)` as its end, so put
    `UNFINISHED` last for a stream that just stops. `missing` models are not installed. `requests` logs the calls,
    `closed_early` counts streams that were left before their end, `most_running` the most streams at one time.
    """

    UNFINISHED = Chunk("", thinking=True)

    def __init__(self, *scripts: Sequence[Step], missing: Sequence[str] = ()) -> None:
        self.scripts: deque[Sequence[Step]] = deque(scripts)
        self.missing = set(missing)
        self.requests: list[GenerationRequest] = []
        self.running = 0
        self.most_running = 0
        self.closed_early = 0

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[Chunk | Completion, None]:
        self.requests.append(request)
        if request.model in self.missing:
            raise UnknownModel(f"{request.model} is not installed: run `emini-rag models pull {request.model}`")
        if request.deadline_s <= 0:
            raise _late(request)
        steps = self.scripts.popleft() if self.scripts else DEFAULT_STEPS
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            async with aclosing(self._play(request, steps)) as items:
                async for item in items:
                    yield item
        except (GeneratorExit, asyncio.CancelledError):
            self.closed_early += 1
            raise
        finally:
            self.running -= 1

    async def _play(
        self, request: GenerationRequest, steps: Sequence[Step]
    ) -> AsyncGenerator[Chunk | Completion, None]:
        words = 0
        for step in steps:
            # A real model gives way between two tokens, so others get their turn here too.
            await asyncio.sleep(0)
            if isinstance(step, BaseException):
                raise step
            if isinstance(step, asyncio.Event):
                await self._wait(step, request)
                continue
            if step is self.UNFINISHED:
                return
            if isinstance(step, Completion):
                yield step
                return
            if words == request.max_tokens:
                end = completion_of(request.model, finish=FinishReason.LENGTH, output_tokens=words)
                yield end
                return
            words += 1
            yield step if isinstance(step, Chunk) else Chunk(step)
        yield replace(completion_of(request.model), output_tokens=words)

    async def _wait(self, event: asyncio.Event, request: GenerationRequest) -> None:
        try:
            async with asyncio.timeout(request.deadline_s):
                await event.wait()
        except TimeoutError as error:
            raise _late(request) from error


def _late(request: GenerationRequest) -> DependencyTimeout:
    detail = f"no complete answer from {request.model} within {request.deadline_s:g} s"
    return DependencyTimeout(Dependency.OLLAMA, detail)
