"""`embeddings {model}`: one span per call of the model server, and none where a kept vector was enough."""

from collections.abc import Sequence

from opentelemetry.trace import SpanKind

from service.clock import Clock, SystemClock
from service.embedding.port import Embedded, Embedder, EmbedderId, Purpose
from service.telemetry.catalogue import Attribute, SpanName
from service.telemetry.instrumented.call_times import CallTimes
from service.telemetry.instrumented.peer import Peer
from service.telemetry.meters import Meters
from service.telemetry.stage import Attributes, Live, Stages
from service.telemetry.vocabulary import Operation, Provider


class InstrumentedEmbedder:
    """Implements `Embedder`. `deadline_s` is the caller's limit: work cancelled after it counts as timed out."""

    def __init__(
        self,
        inner: Embedder,
        stages: Stages,
        meters: Meters,
        peer: Peer,
        *,
        deadline_s: float | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._inner, self._stages = inner, stages
        self._times = CallTimes(meters, Operation.EMBEDDINGS, Provider.OLLAMA, (inner.model,))
        self._clock = clock or SystemClock()
        self._deadline_s = deadline_s
        self._attributes: Attributes = {
            Attribute.OPERATION: Operation.EMBEDDINGS.value,
            Attribute.PROVIDER: Provider.OLLAMA.value,
            Attribute.REQUEST_MODEL: inner.model,
            **peer.attributes,
        }

    @property
    def model(self) -> str:
        return self._inner.model

    async def identify(self) -> EmbedderId | None:
        return await self._inner.identify()

    async def embed(self, texts: Sequence[str], *, purpose: Purpose = Purpose.QUERY) -> Embedded:
        # Only afterwards is it known whether the model was asked at all, so the span is begun looking back.
        began_s = self._clock.monotonic()
        try:
            embedded = await self._inner.embed(texts, purpose=purpose)
        except BaseException as error:
            span = self._begun(began_s)
            span.fail(error)
            self._end(span)
            raise
        if not embedded.cached:
            span = self._begun(began_s)
            span.note(_facts, embedded, purpose)
            self._end(span)
        return embedded

    def _begun(self, began_s: float) -> Live:
        ago_s = self._clock.monotonic() - began_s
        name = SpanName.EMBEDDINGS.format(self._inner.model)
        return self._stages.start(name, SpanKind.CLIENT, self._attributes, ago_s=ago_s, deadline_s=self._deadline_s)

    def _end(self, span: Live) -> None:
        self._times.record(span, self._inner.model)
        span.end()


def _facts(embedded: Embedded, purpose: Purpose) -> Attributes:
    return {
        Attribute.TEXTS: len(embedded.vectors),
        Attribute.PURPOSE: purpose.value,
        Attribute.DIMENSIONS: embedded.embedder.dimensions,
        Attribute.INPUT_TOKENS: embedded.input_tokens,
        Attribute.OLLAMA_TOTAL: embedded.total_s,
        Attribute.OLLAMA_LOAD: embedded.load_s,
        Attribute.OLLAMA_DIGEST: embedded.embedder.digest,
    }
