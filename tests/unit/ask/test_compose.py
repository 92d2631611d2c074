"""Answers with citations, and what they admit."""

import pytest

from service.ask.compose import NOTHING_FOUND, extractive_answer, generated_answer, no_context_answer
from service.ask.prompt import BudgetedPromptBuilder
from service.ask.types import Degradation, Mode
from service.generation.port import Excerpt, FinishReason
from tests.unit.ask.samples import completion, passage

PROMPT = BudgetedPromptBuilder(8192).build("What?", [passage(1, "First."), passage(2, "Second.")], 100)


@pytest.mark.parametrize(
    ("text", "cited"),
    [
        ("Because [2].", ["c2"]),
        ("So [2], then [1] and again [2].", ["c2", "c1"]),
        ("Both [1, 2].", ["c1", "c2"]),
        ("No number at all.", ["c1", "c2"]),
        ("Beyond [3] and [0].", ["c1", "c2"]),
    ],
)
def test_the_passages_that_the_model_names_are_cited(text: str, cited: list[str]) -> None:
    answer = generated_answer(text, PROMPT, (), completion())
    assert [citation.chunk_id for citation in answer.citations] == cited
    assert (answer.mode, answer.model, answer.digest) == (Mode.GENERATED, "small", "sha-small")


def test_truncation_and_missing_parts_are_admitted() -> None:
    answer = generated_answer("Half", PROMPT, ("no_embedder",), completion(finish=FinishReason.LENGTH, truncated=True))
    assert answer.degraded == (
        Degradation.NO_EMBEDDER,
        Degradation.PROMPT_TRUNCATED,
        Degradation.OUTPUT_TRUNCATED,
    )


def test_quotes_say_that_they_are_quotes() -> None:
    excerpts = (Excerpt("First.", "a.md", "d1", "c1", 3, 9, 2.0), Excerpt("Second.", "b.md", "d2", "c2", 0, 7, 1.0))
    answer = extractive_answer(excerpts, (), Degradation.LLM_UNREACHABLE)
    assert answer.text == "First. [1]\nSecond. [2]"
    assert [(c.text, c.source, c.start, c.end) for c in answer.citations] == [
        ("First.", "a.md", 3, 9),
        ("Second.", "b.md", 0, 7),
    ]
    assert answer.model is None
    assert answer.mode is Mode.EXTRACTIVE
    assert "word for word" in answer.notice
    assert answer.degraded == (Degradation.LLM_UNREACHABLE,)


def test_no_quote_is_no_answer() -> None:
    answer = extractive_answer((), ("no_embedder",), Degradation.LLM_UNREACHABLE)
    assert answer == no_context_answer(("no_embedder",))
    assert (answer.text, answer.mode, answer.citations) == (NOTHING_FOUND, Mode.NO_CONTEXT, ())
