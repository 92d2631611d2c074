"""`invoke_workflow ask`: the whole of one question, as a span and as the metrics that users feel.

The span is current only while the use case works, so that the flight's task is made under it and nothing leaks into
whoever reads the events. It ends before the last event is handed on; a reader that leaves earlier is cancelled.
"""

import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace

from opentelemetry.trace import format_span_id, format_trace_id

from service.ask.types import (
    Asker,
    AskEvent,
    CacheFacts,
    Done,
    Failed,
    Outcome,
    Question,
    Stage,
    Started,
    Timings,
    Token,
    TraceRef,
)
from service.errors import DependencyError, ErrorKind, ServiceError
from service.routing.port import Route, Tier
from service.telemetry.catalogue import Attribute, SpanName
from service.telemetry.instrumented.ask_facts import (
    answer_content,
    answered_attributes,
    failed_attributes,
    left_attributes,
    question_content,
)
from service.telemetry.instrumented.ask_metrics import AskMetrics, failed_stage
from service.telemetry.meters import Meters
from service.telemetry.stage import Attributes, Live, Stages
from service.telemetry.vocabulary import OTHER, Operation

_log = logging.getLogger(__name__)
_ATTRIBUTES: Attributes = {Attribute.OPERATION: Operation.INVOKE_WORKFLOW.value, Attribute.WORKFLOW: "ask"}


class InstrumentedAsker:
    """Implements `Asker`. `tiers` are the policy's models, whose series are made at start; `capture` adds content."""

    def __init__(
        self,
        inner: Asker,
        stages: Stages,
        meters: Meters,
        *,
        tiers: Mapping[Tier, str] | None = None,
        capture: bool = False,
    ) -> None:
        self._inner = inner
        self._stages = stages
        self._metrics = AskMetrics(meters, tiers or {})
        self._capture = capture

    async def ask(self, question: Question) -> AsyncGenerator[AskEvent, None]:
        """See `Asker.ask`."""
        span = self._stages.start(SpanName.ASK, attributes=_ATTRIBUTES)
        seen = _Seen()
        if self._capture:
            span.note(question_content, question)
        try:
            async with aclosing(span.follow(self._inner.ask(_traced(question, span)))) as events:
                async for event in events:
                    if seen.last(event):
                        self._stages.quietly(SpanName.ASK, self._finish, span, event)
                        span.end()
                    yield event
            if not seen.ended:
                span.fail(ServiceError(ErrorKind.OTHER, "the answer ended without its last event"))
        finally:
            if not seen.ended:
                self._stages.quietly(SpanName.ASK, self._left, span, seen)
                span.end()

    def _finish(self, span: Live, event: AskEvent) -> None:
        if isinstance(event, Failed):
            stage = failed_stage(event)
            span.fail(event.error)
            span.note(failed_attributes, event, stage)
            self._waited(span, event.cache, event.timings)
            self._metrics.failed(event, stage, span.context)
            if event.outcome is Outcome.ERROR:
                _tell(event, stage, span)
        elif isinstance(event, Done):
            result = event.result
            span.note(answered_attributes, result)
            if self._capture:
                span.note(answer_content, result)
            span.link(result.cache.origin_trace_id, result.cache.origin_span_id)
            self._waited(span, result.cache, result.timings)
            self._metrics.answered(result, span.context)

    def _left(self, span: Live, seen: "_Seen") -> None:
        cancelled = span.error_type == ErrorKind.CANCELLED.value
        outcome = Outcome.CANCELLED if cancelled else Outcome.ERROR
        span.note(left_attributes, seen.route, outcome, seen.stage)
        self._metrics.left(seen.route, outcome, span.elapsed_s, seen.stage, span.error_type, span.context)

    def _waited(self, span: Live, cache: CacheFacts | None, timings: Timings) -> None:
        """Who waits for another's work runs nothing: a span shows the wait, and points to where the work stands."""
        waited_s = timings.stages.get(Stage.COALESCE)
        if waited_s is not None and cache is not None:
            end_s = span.elapsed_s
            origin = (cache.origin_trace_id, cache.origin_span_id)
            self._stages.past(SpanName.COALESCE, span, max(0.0, end_s - waited_s), end_s, origin=origin)


def _tell(event: Failed, stage: str, span: Live) -> None:
    """Why there was no answer: the request's own line knows the status only, and of a stream not even that."""
    model = event.route.model if event.route is not None else None
    fields = {"error_type": event.error.kind.value, "stage": stage, "model": model}
    if isinstance(event.error, DependencyError):  # other details may quote what the client sent
        fields["detail"] = event.error.detail
    _log.warning("no answer", extra={"fields": fields, "span_context": span.context})


class _Seen:
    """What the events told so far."""

    def __init__(self) -> None:
        self.route: Route | None = None
        self.stage: str = Stage.ROUTE
        self.ended = False

    def last(self, event: AskEvent) -> bool:
        """Whether this is the last one. Where the work stands is known only roughly from outside."""
        match event:
            case Started():
                self.route, self.stage = event.route, OTHER
            case Token():
                self.stage = Stage.GENERATE
            case _:
                self.ended = True
        return self.ended


def _traced(question: Question, span: Live) -> Question:
    """A question that no server span brought gets this span's ids, so that answers name their trace everywhere."""
    if question.trace.trace_id or not span.context.is_valid:
        return question
    context = span.context
    return replace(question, trace=TraceRef(format_trace_id(context.trace_id), format_span_id(context.span_id)))
