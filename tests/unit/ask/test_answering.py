"""The work of a miss: degraded searches, deadlines, and what is kept."""

import asyncio
from dataclasses import replace

import pytest

from service.ask.types import Degradation, Mode, Stage
from service.errors import Dependency, DependencyUnavailable, ErrorKind
from service.generation.port import Chunk, FinishReason
from service.retrieval.port import Retrieved
from tests.unit.ask.samples import completion, passage
from tests.unit.ask.stand import ScriptedGenerator, Stand

AWAY = DependencyUnavailable(Dependency.OLLAMA, "away")


async def test_without_an_embedder_keywords_search_alone() -> None:
    stand = Stand()
    stand.embedder.away = True
    await stand.result()
    assert stand.retriever.calls[0][1] is None


async def test_an_embedder_that_fails_costs_the_vector_only() -> None:
    stand = Stand()
    stand.embedder.failures.append(AWAY)
    result = await stand.result()
    assert stand.retriever.calls[0][1] is None
    assert result.answer.mode is Mode.GENERATED


async def test_a_search_that_fails_ends_the_request_in_its_stage() -> None:
    stand = Stand()
    stand.retriever.script.append(DependencyUnavailable(Dependency.SQLITE, "the corpus cannot be read"))
    failed = await stand.failure()
    assert (failed.error.kind, failed.error.stage) == (ErrorKind.CONNECTION_ERROR, Stage.RETRIEVE)


async def test_degradations_of_the_search_are_told_and_shorten_the_time_kept() -> None:
    stand = Stand(found=Retrieved((passage(1),), degraded=("chroma_unavailable",)))
    result = await stand.result()
    assert result.answer.degraded == (Degradation.CHROMA_UNAVAILABLE,)
    assert {entry.ttl_s for _, entry, _ in (*stand.answers.stores, *stand.prompts.stores)} == {60.0}


@pytest.mark.parametrize(
    "end", [completion(finish=FinishReason.LENGTH), completion(truncated=True)], ids=["output", "prompt"]
)
async def test_truncated_answers_are_told_and_never_kept(end: object) -> None:
    stand = Stand(generator=ScriptedGenerator((Chunk("Half"), end)))  # type: ignore[arg-type]
    result = await stand.result()
    assert result.answer.degraded
    assert stand.answers.stores == stand.prompts.stores == []


async def test_a_stream_without_an_end_is_an_error_and_never_an_answer() -> None:
    stand = Stand(generator=ScriptedGenerator((Chunk("Half"),)))
    failed = await stand.failure()
    assert failed.error.kind is ErrorKind.STREAM_ERROR
    assert stand.answers.stores == stand.prompts.stores == []


async def test_thinking_is_passed_on_and_never_part_of_the_answer() -> None:
    stand = Stand(generator=ScriptedGenerator((Chunk("Hmm.", thinking=True), Chunk("Yes [1]."), completion())))
    events = await stand.events()
    assert [getattr(event, "thinking", None) for event in events[1:3]] == [True, False]
    assert (await stand.result()).answer.text == "Yes [1]."


async def test_a_cold_load_is_noted_for_the_next_prediction() -> None:
    stand = Stand(generator=ScriptedGenerator((Chunk("Yes."), completion(cold=True))))
    await stand.result()
    assert stand.loads == [("small", 0.5)]


async def test_the_model_gets_what_is_left_of_the_whole_budget() -> None:
    stand = Stand()
    await stand.result()
    assert stand.generator.requests[0].deadline_s == 120.0
    assert replace(stand.generator.requests[0], messages=()).max_tokens == 2000


async def test_an_answer_is_kept_under_the_version_that_was_searched() -> None:
    gate = asyncio.Event()
    stand = Stand(generator=ScriptedGenerator((gate, Chunk("Old."), completion())))
    async with asyncio.timeout(10):
        ask = asyncio.create_task(stand.result())
        while not stand.generator.requests:
            await asyncio.sleep(0)
        stand.corpus_version += 1
        gate.set()
        await ask
    stand.found = Retrieved((passage(3, "Something new."),))
    stand.retriever.found = stand.found
    await stand.result()
    assert len(stand.retriever.calls) == 2


async def test_who_asks_before_the_documents_are_read_is_told_so() -> None:
    stand = Stand(found=Retrieved(()), busy_with="reading the documents folder: 3 of 52")
    early = (await stand.result()).answer
    assert early.mode is Mode.NO_CONTEXT
    assert early.notice == (
        "Not all documents can be asked about yet: reading the documents folder: 3 of 52. Ask again in a moment."
    )
    stand.busy_with = ""
    assert (await stand.result()).answer.notice == ""
