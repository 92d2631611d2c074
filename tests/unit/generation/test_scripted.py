"""The generator without a model: what it says, and how slowly."""

from contextlib import aclosing
from dataclasses import replace

import pytest

from service.ask.prompt import BudgetedPromptBuilder
from service.clock import SystemClock
from service.errors import DependencyTimeout, UnknownModel
from service.generation.port import Chunk, Completion, FinishReason, GenerationRequest, Message
from service.generation.scripted import Pace, ScriptedGenerator, answer_to
from service.retrieval.port import Passage
from service.routing.port import Tier

PASSAGES = (
    Passage(
        "c1", "d1", "risk.md", "# Risk\n\nA stop loss closes a losing trade early. It is no guarantee.", 0, 70, 0.9
    ),
    Passage("c2", "d2", "rsi.md", "The RSI compares gains with losses. Above 70 it is called overbought.", 0, 70, 0.8),
    Passage("c3", "d3", "vwap.md", "VWAP weighs each price of the day by its volume.", 0, 50, 0.7),
)
PROMPT = BudgetedPromptBuilder(8192).build("What does the RSI compare, and what is VWAP?", PASSAGES, 200)
REQUEST = GenerationRequest("any", PROMPT.messages, Tier.SIMPLE, 0.1, 200, deadline_s=10.0)


async def collect(generator: ScriptedGenerator, request: GenerationRequest = REQUEST) -> list[Chunk | Completion]:
    async with aclosing(generator.generate(request)) as stream:
        return [item async for item in stream]


def test_answers_with_the_nearest_sentences_and_the_numbers_of_their_passages() -> None:
    assert answer_to(PROMPT.messages) == (
        "The RSI compares gains with losses. [2] VWAP weighs each price of the day by its volume. [3]"
    )


@pytest.mark.parametrize("content", ["", "Question: What is RSI?", "no frame at all"])
def test_without_passages_it_says_that_it_found_nothing(content: str) -> None:
    assert answer_to((Message("user", content),)) == "The documents do not hold the answer."
    assert answer_to(()) == "The documents do not hold the answer."


async def test_the_pieces_make_the_answer() -> None:
    *chunks, end = await collect(ScriptedGenerator(SystemClock()))
    text = "".join(chunk.text for chunk in chunks if isinstance(chunk, Chunk))
    assert text == answer_to(PROMPT.messages)
    assert isinstance(end, Completion)
    assert end.output_tokens == len(chunks)
    assert end.finish is FinishReason.STOP


async def test_takes_the_time_it_is_told_to() -> None:
    pace = Pace(first_token_s=0.04, token_s=0.005)
    end = (await collect(ScriptedGenerator(SystemClock(), pace=pace)))[-1]
    assert isinstance(end, Completion)
    assert end.first_chunk_s >= 0.04
    assert end.prompt_eval_s >= 0.04
    assert end.eval_s >= 0.005 * (end.output_tokens - 1)


async def test_is_too_late_when_its_pace_does_not_fit_the_deadline() -> None:
    generator = ScriptedGenerator(SystemClock(), pace=Pace(first_token_s=30.0))
    with pytest.raises(DependencyTimeout):
        await collect(generator, replace(REQUEST, deadline_s=0.02))


async def test_knows_its_models() -> None:
    with pytest.raises(UnknownModel):
        await collect(ScriptedGenerator(SystemClock(), models=("other",)))
