"""A generator without a model, for development, continuous integration and benchmarks.

It answers from the passages in the prompt: of the best two of them the sentence nearest to the question, each with its
number, so that citations, streaming, cancellation and deadlines work as with a model. The same prompt always gives the
same answer. It says nothing about the quality of a real one, and is never chosen unless configured.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass

from service.clock import Clock
from service.errors import Dependency, DependencyTimeout, UnknownModel
from service.generation.port import Chunk, Completion, FinishReason, GenerationRequest, Message
from service.generation.terms import STOP_WORDS, stem, words

_DOCUMENT = re.compile(r'<document number="(\d+)"[^>]*>\n(.*?)\n</document>', re.DOTALL)
_SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?](?=\s|$)|$)")
_TOKEN = re.compile(r"\s*\S+")
_QUESTION = "Question: "
_NOTHING = "The documents do not hold the answer."
_CITED = 2
_MIN_WORDS = 4


@dataclass(frozen=True, slots=True)
class Pace:
    """How slow to be, in seconds: before the first token (as prompt evaluation), and before each further one."""

    first_token_s: float = 0.0
    token_s: float = 0.0


class ScriptedGenerator:
    """Implements `Generator`. Knows the models in `models`; None = any. A pause of 0 still gives way to others."""

    def __init__(
        self, clock: Clock, *, models: Collection[str] | None = None, pace: Pace | None = None, digest: str = "scripted"
    ) -> None:
        self._clock = clock
        self._models = models
        self._pace = pace or Pace()
        self._digest = digest

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[Chunk | Completion, None]:
        """See `Generator.generate`."""
        if self._models is not None and request.model not in self._models:
            raise UnknownModel(f"{request.model} is not one of the scripted models: {', '.join(self._models)}")
        started = self._clock.monotonic()
        whole = _TOKEN.findall(answer_to(request.messages))
        spoken = whole[: request.max_tokens]
        first_s = evaluated_s = 0.0
        for number, token in enumerate(spoken):
            pause_s = self._pace.token_s if number else self._pace.first_token_s
            left_s = request.deadline_s - (self._clock.monotonic() - started)
            await _pause(pause_s, left_s, request)
            if not number:
                first_s = evaluated_s = self._clock.monotonic() - started
            yield Chunk(token)
        total_s = self._clock.monotonic() - started
        yield Completion(
            model=request.model,
            digest=self._digest,
            finish=FinishReason.LENGTH if len(spoken) < len(whole) else FinishReason.STOP,
            input_tokens=sum(len(message.content.split()) for message in request.messages),
            output_tokens=len(spoken),
            total_s=total_s,
            first_chunk_s=first_s,
            first_answer_s=first_s,
            queue_s=0.0,
            load_s=0.0,
            prompt_eval_s=evaluated_s,
            eval_s=max(0.0, total_s - evaluated_s),
        )


def answer_to(messages: tuple[Message, ...]) -> str:
    """The answer to a prompt as `service.ask.prompt` builds it. Pure."""
    prompt = next((message.content for message in reversed(messages) if message.role == "user"), "")
    asked = _stems(prompt.rpartition(_QUESTION)[2])
    found = [_best_sentence(number, text, asked) for number, text in _DOCUMENT.findall(prompt)]
    # Stable sort: of two equals the passage that was ranked higher stays first.
    best = sorted((one for one in found if one[1]), key=lambda one: -one[0])[:_CITED]
    return " ".join(f"{sentence} [{number}]" for _, sentence, number in best) or _NOTHING


def _best_sentence(number: str, text: str, asked: frozenset[str]) -> tuple[int, str, str]:
    """Words shared with the question, the sentence that shares most, and the passage's number."""
    sentences = [" ".join(match.group().split()) for match in _SENTENCE.finditer(text)]
    prose = [sentence for sentence in sentences if len(sentence.split()) >= _MIN_WORDS and sentence[0] not in "#|`"]
    best = max(prose, key=lambda sentence: len(asked & _stems(sentence)), default="")
    return len(asked & _stems(best)), best, number


def _stems(text: str) -> frozenset[str]:
    return frozenset(stem(word) for word in words(text) if word not in STOP_WORDS)


async def _pause(pause_s: float, left_s: float, request: GenerationRequest) -> None:
    await asyncio.sleep(max(0.0, min(pause_s, left_s)))
    if pause_s >= left_s:
        detail = f"no complete answer from {request.model} within {request.deadline_s:.4g} s"
        raise DependencyTimeout(Dependency.OLLAMA, detail)
