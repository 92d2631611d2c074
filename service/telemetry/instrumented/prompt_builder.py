"""`prompt`: how large it became, and what did not fit. The prompt itself is no telemetry."""

from collections.abc import Sequence

from service.ask.prompt import Prompt, PromptBuilder
from service.retrieval.port import Passage
from service.telemetry.catalogue import Attribute, SpanName
from service.telemetry.stage import Attributes, Stages


class InstrumentedPromptBuilder:
    """Implements `PromptBuilder`."""

    def __init__(self, inner: PromptBuilder, stages: Stages) -> None:
        self._inner = inner
        self._stages = stages

    @property
    def template_hash(self) -> str:
        return self._inner.template_hash

    def build(self, text: str, passages: Sequence[Passage], max_tokens: int) -> Prompt:
        with self._stages.start(SpanName.PROMPT) as span:
            prompt = self._inner.build(text, passages, max_tokens)
            span.note(_facts, prompt)
        return prompt


def _facts(prompt: Prompt) -> Attributes:
    return {
        Attribute.PROMPT_CHARS: prompt.chars,
        Attribute.PROMPT_TOKENS: prompt.tokens_estimate,
        Attribute.PROMPT_USED: len(prompt.used),
        Attribute.PROMPT_DROPPED: prompt.dropped,
    }
