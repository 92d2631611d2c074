"""`chat {model}`: one span per call of a model, with the server's own phases laid out under it, and its metrics.

The span covers the whole stream and ends before its last item is handed on. A model that failed and was replaced by
another is an error here, and nowhere above.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from opentelemetry.trace import SpanKind

from service.errors import ErrorKind, ServiceError
from service.generation.port import Chunk, Completion, GenerationRequest, Generator
from service.telemetry.catalogue import (
    FINISHES,
    FIRST_ANSWER,
    FIRST_CHUNK,
    INPUT_TOKENS,
    MODEL_LABEL,
    MODEL_LOADS,
    OUTPUT_TOKENS,
    PHASE_DURATION,
    TOKENS_PER_SECOND,
    Attribute,
    SpanName,
)
from service.telemetry.content import messages_json
from service.telemetry.instrumented.call_times import CallTimes
from service.telemetry.instrumented.peer import Peer
from service.telemetry.meters import Meters
from service.telemetry.stage import Attributes, Live, Stages
from service.telemetry.vocabulary import Operation, Phase, Provider


class InstrumentedGenerator:
    """Implements `Generator`. `capture` puts prompt and answer on the span."""

    def __init__(self, inner: Generator, stages: Stages, meters: Meters, peer: Peer, *, capture: bool = False) -> None:
        self._inner = inner
        self._stages = stages
        self._meters = meters
        self._peer = peer.attributes
        self._capture = capture
        self._times = CallTimes(meters, Operation.CHAT, Provider.OLLAMA, meters.models)
        for model in meters.models:
            # The first answer of a process is often a cold one, and what it waited is taken out of its stage.
            meters.prepare(PHASE_DURATION, **{MODEL_LABEL: model}, phase=Phase.LOAD)

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[Chunk | Completion, None]:
        name = SpanName.CHAT.format(request.model)
        span = self._stages.start(name, SpanKind.CLIENT, {**_request(request), **self._peer})
        call = _Call(request.model, span)
        if self._capture:
            span.note(_asked, request)
        try:
            async with aclosing(span.follow(self._inner.generate(request))) as stream:
                async for item in stream:
                    if isinstance(item, Completion):
                        self._stages.quietly(SpanName.CHAT, self._completed, call, item)
                        span.end()
                    else:
                        call.see(item, keep=self._capture)
                    yield item
            if not call.completed:
                span.fail(ServiceError(ErrorKind.STREAM_ERROR, "the stream ended without its last item"))
        finally:
            if not call.completed:
                self._stages.quietly(SpanName.CHAT, self._failed, call)
                span.end()

    def _completed(self, call: "_Call", done: Completion) -> None:
        call.completed = True
        phases = _phases(done)
        call.span.note(_facts, done, call)
        if self._capture:
            call.span.note(_answered, call, done)
        self._lay_out(call.span, phases)
        model, context = {MODEL_LABEL: call.model}, call.span.context
        self._times.record(call.span, call.model)
        self._first_chunk(call, done.first_chunk_s)
        self._meters.observe(FIRST_ANSWER, done.first_answer_s, context, **model)
        for phase, seconds in phases.items():
            self._meters.observe(PHASE_DURATION, seconds, context, **model, phase=phase)
        self._meters.add(INPUT_TOKENS, done.input_tokens, **model)
        self._meters.add(OUTPUT_TOKENS, done.output_tokens, **model)
        self._meters.add(FINISHES, **model, reason=done.finish)
        if done.eval_s > 0:
            self._meters.observe(TOKENS_PER_SECOND, done.output_tokens / done.eval_s, context, **model)
        if done.cold:
            self._meters.add(MODEL_LOADS, **model)

    def _failed(self, call: "_Call") -> None:
        self._times.record(call.span, call.model)
        first_s = call.first_chunk_s
        if first_s is not None:
            call.span.note(lambda: {Attribute.FIRST_CHUNK: first_s})
            self._first_chunk(call, first_s)

    def _first_chunk(self, call: "_Call", seconds: float) -> None:
        self._meters.observe(
            FIRST_CHUNK,
            seconds,
            call.span.context,
            gen_ai_operation_name=Operation.CHAT,
            gen_ai_provider_name=Provider.OLLAMA,
            gen_ai_request_model=call.model,
            error_type=call.span.error_type,
        )

    def _lay_out(self, span: Live, phases: dict[Phase, float]) -> None:
        """The phases one after the other from the beginning: the server tells how long, not when."""
        begin_s, limit_s = 0.0, span.elapsed_s
        for phase, name in SpanName.OLLAMA_PHASES:
            end_s = min(begin_s + phases[phase], limit_s)
            if phases[phase] > 0:
                self._stages.past(name, span, begin_s, end_s)
            begin_s = end_s


class _Call:
    """What is known of a call while it runs."""

    def __init__(self, model: str, span: Live) -> None:
        self.model = model
        self.span = span
        self.completed = False
        self.first_chunk_s: float | None = None
        self.thinking_chunks = 0
        self.said: list[str] = []

    def see(self, chunk: Chunk, *, keep: bool) -> None:
        if self.first_chunk_s is None:
            self.first_chunk_s = self.span.elapsed_s
        if chunk.thinking:
            self.thinking_chunks += 1
        elif keep:
            self.said.append(chunk.text)


def _request(request: GenerationRequest) -> Attributes:
    return {
        Attribute.OPERATION: Operation.CHAT.value,
        Attribute.PROVIDER: Provider.OLLAMA.value,
        Attribute.REQUEST_MODEL: request.model,
        Attribute.REQUEST_STREAM: True,
        Attribute.TEMPERATURE: request.temperature,
        Attribute.MAX_TOKENS: request.max_tokens,
        Attribute.TIER: request.tier.value,
    }


def _asked(request: GenerationRequest) -> Attributes:
    said = tuple((message.role, message.content) for message in request.messages)
    return {Attribute.INPUT_MESSAGES: messages_json(said)}


def _answered(call: _Call, done: Completion) -> Attributes:
    said = (("assistant", "".join(call.said)),)
    return {Attribute.OUTPUT_MESSAGES: messages_json(said, finish=done.finish.value)}


def _phases(done: Completion) -> dict[Phase, float]:
    return {
        Phase.QUEUE: done.queue_s,
        Phase.LOAD: done.load_s,
        Phase.PROMPT_EVAL: done.prompt_eval_s,
        Phase.EVAL: done.eval_s,
    }


def _facts(done: Completion, call: _Call) -> Attributes:
    facts: dict[str, str | int | float | bool | tuple[str, ...]] = {
        Attribute.RESPONSE_MODEL: done.model,
        Attribute.FINISH_REASONS: (done.finish.value,),
        Attribute.FIRST_CHUNK: done.first_chunk_s,
        Attribute.FIRST_ANSWER: done.first_answer_s,
        Attribute.INPUT_TOKENS: done.input_tokens,
        Attribute.OUTPUT_TOKENS: done.output_tokens,
        Attribute.OLLAMA_TOTAL: done.queue_s + done.load_s + done.prompt_eval_s + done.eval_s,
        Attribute.OLLAMA_QUEUE: done.queue_s,
        Attribute.OLLAMA_LOAD: done.load_s,
        Attribute.OLLAMA_PROMPT_EVAL: done.prompt_eval_s,
        Attribute.OLLAMA_EVAL: done.eval_s,
        Attribute.COLD: done.cold,
    }
    if done.digest is not None:
        facts[Attribute.OLLAMA_DIGEST] = done.digest
    if call.thinking_chunks:
        facts[Attribute.THINKING_CHUNKS] = call.thinking_chunks
    if done.prompt_truncated:
        facts[Attribute.PROMPT_TRUNCATED] = True
    return facts
