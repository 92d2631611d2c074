"""The prompt's sizes."""

from service.ask.prompt import BudgetedPromptBuilder
from service.telemetry.instrumented.prompt_builder import InstrumentedPromptBuilder
from tests.telemetry.recorder import Recorder
from tests.unit.ask.samples import passage


def test_sizes_are_told_and_the_prompt_is_not() -> None:
    recorder, inner = Recorder(), BudgetedPromptBuilder(1024)
    builder = InstrumentedPromptBuilder(inner, recorder.stages)
    passages = [passage(number, "A long passage. " * 40) for number in range(1, 9)]
    prompt = builder.build("What?", passages, 200)
    assert prompt == inner.build("What?", passages, 200)
    assert builder.template_hash == inner.template_hash
    span = recorder.only()
    assert dict(span.attributes) == {
        "rag.prompt.chars": prompt.chars,
        "rag.prompt.tokens_estimate": prompt.tokens_estimate,
        "rag.prompt.chunks_used": len(prompt.used),
        "rag.prompt.chunks_dropped": prompt.dropped,
    }
    assert prompt.dropped > 0
