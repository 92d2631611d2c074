"""From what a model wrote, or from quoted sentences, to an answer with citations. Pure.

An answer never pretends: quoted sentences say that they are quotes, and an empty search says that it found nothing.
"""

import re
from collections.abc import Iterable, Sequence

from service.ask.prompt import Prompt
from service.ask.types import Answer, Citation, Degradation, Mode
from service.generation.port import Completion, Excerpt, FinishReason
from service.retrieval.port import Passage

NOTHING_FOUND = "The documents do not say. No passage in them covers this question."
_REFERENCE = re.compile(r"\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]")
_ABSENT = {
    Degradation.LLM_UNREACHABLE: "no language model can be reached",
    Degradation.MODEL_UNAVAILABLE: "no suitable language model is available",
}


def generated_answer(text: str, prompt: Prompt, found_degraded: Iterable[str], completion: Completion) -> Answer:
    """What the model wrote. Cites the passages it names as [n]; all that it was shown when it names none."""
    degraded = retrieval_degradations(found_degraded)
    if completion.prompt_truncated:
        degraded += (Degradation.PROMPT_TRUNCATED,)
    if completion.finish is FinishReason.LENGTH:
        degraded += (Degradation.OUTPUT_TRUNCATED,)
    return Answer(
        text=text.strip(),
        mode=Mode.GENERATED,
        model=completion.model,
        citations=tuple(_cite(passage) for passage in _named(text, prompt.used)),
        degraded=degraded,
        input_tokens=completion.input_tokens,
        output_tokens=completion.output_tokens,
        digest=completion.digest,
    )


def extractive_answer(excerpts: Sequence[Excerpt], found_degraded: Iterable[str], absence: Degradation) -> Answer:
    """Sentences of the documents, word for word, each with its own citation, numbered as in the text."""
    if not excerpts:
        return no_context_answer(found_degraded)
    lines = [f"{excerpt.text} [{number}]" for number, excerpt in enumerate(excerpts, 1)]
    return Answer(
        text="\n".join(lines),
        mode=Mode.EXTRACTIVE,
        model=None,
        citations=tuple(
            Citation(one.text, one.source, one.document_id, one.chunk_id, one.start, one.end) for one in excerpts
        ),
        degraded=(absence, *retrieval_degradations(found_degraded)),
        notice=f"Quoted from the documents word for word, because {_ABSENT[absence]} at the moment.",
    )


def no_context_answer(found_degraded: Iterable[str], waiting: str = "") -> Answer:
    """Nothing above the floor, said plainly, without asking a model. `waiting`: why documents may be missing yet."""
    notice = f"Not all documents can be asked about yet: {waiting}. Ask again in a moment." if waiting else ""
    degraded = retrieval_degradations(found_degraded)
    return Answer(NOTHING_FOUND, Mode.NO_CONTEXT, None, degraded=degraded, notice=notice)


def retrieval_degradations(names: Iterable[str]) -> tuple[Degradation, ...]:
    """The retriever's words as the closed vocabulary."""
    return tuple(Degradation(name) for name in names)


def _named(text: str, used: Sequence[Passage]) -> tuple[Passage, ...]:
    numbers = [int(number) for group in _REFERENCE.findall(text) for number in group.split(",")]
    named = [used[number - 1] for number in dict.fromkeys(numbers) if 1 <= number <= len(used)]
    return tuple(named or used)


def _cite(passage: Passage) -> Citation:
    return Citation(passage.text, passage.source, passage.document_id, passage.chunk_id, passage.start, passage.end)
