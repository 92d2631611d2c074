"""`extract`: quoting, where no model answers."""

from collections.abc import Sequence

from service.generation.port import Excerpt, Extractor
from service.retrieval.port import Passage
from service.telemetry.catalogue import Attribute, SpanName
from service.telemetry.stage import Stages


class InstrumentedExtractor:
    """Implements `Extractor`."""

    def __init__(self, inner: Extractor, stages: Stages) -> None:
        self._inner = inner
        self._stages = stages

    def extract(self, text: str, passages: Sequence[Passage]) -> tuple[Excerpt, ...]:
        with self._stages.start(SpanName.EXTRACT) as span:
            excerpts = self._inner.extract(text, passages)
            span.note(lambda: {Attribute.EXCERPTS: len(excerpts)})
        return excerpts
