"""`retrieval documents`: the search over the whole corpus, whatever indexes it asks."""

from collections.abc import Sequence

from opentelemetry.trace import SpanKind

from service.retrieval.port import Retrieved, Retriever
from service.telemetry.catalogue import RETRIEVAL_RESULTS, Attribute, SpanName
from service.telemetry.instrumented.call_times import CallTimes
from service.telemetry.meters import Meters
from service.telemetry.stage import Attributes, Stages
from service.telemetry.vocabulary import COLLECTION, NO_MODEL, Operation, Provider


class InstrumentedRetriever:
    """Implements `Retriever`. `embedding_model` made the vectors; `deadline_s` is the caller's limit."""

    def __init__(
        self,
        inner: Retriever,
        stages: Stages,
        meters: Meters,
        embedding_model: str,
        *,
        deadline_s: float | None = None,
    ) -> None:
        self._inner = inner
        self._stages = stages
        self._meters = meters
        self._model = embedding_model
        self._deadline_s = deadline_s
        self._times = CallTimes(meters, Operation.RETRIEVAL, Provider.CHROMA, (embedding_model or NO_MODEL,))

    async def retrieve(self, text: str, vector: Sequence[float] | None, top_k: int) -> Retrieved:
        attributes: dict[str, str | int] = {
            Attribute.OPERATION: Operation.RETRIEVAL.value,
            Attribute.PROVIDER: Provider.CHROMA.value,
            Attribute.DATA_SOURCE: COLLECTION,
            Attribute.TOP_K: top_k,
        }
        model = NO_MODEL
        if vector is not None:
            attributes[Attribute.REQUEST_MODEL] = model = self._model
        name = SpanName.RETRIEVAL.format(COLLECTION)
        span = self._stages.start(name, SpanKind.CLIENT, attributes, deadline_s=self._deadline_s)
        try:
            with span:
                found = await self._inner.retrieve(text, vector, top_k)
                span.note(_facts, found)
        finally:
            self._times.record(span, model)
        self._meters.observe(RETRIEVAL_RESULTS, len(found.passages), span.context, collection=COLLECTION)
        return found


def _facts(found: Retrieved) -> Attributes:
    facts: dict[str, str | int | float | tuple[str, ...]] = {
        Attribute.RETURNED: len(found.passages),
        Attribute.THREAD_WAIT: found.waited_s,
    }
    facts |= {Attribute.CANDIDATES.format(index): count for index, count in found.candidates.items()}
    if found.best_score is not None:
        facts[Attribute.BEST_SCORE] = found.best_score
    if found.best_distance is not None:
        facts[Attribute.BEST_DISTANCE] = found.best_distance
    if found.degraded:
        facts[Attribute.DEGRADED] = found.degraded
    return facts
