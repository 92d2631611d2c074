"""`admission`: the wait for a place, not the time it is held; and who was turned away."""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, contextmanager
from types import TracebackType

from service.admission.port import Admission, Limiter, Load, Rejected
from service.telemetry.catalogue import REJECTIONS, Attribute, SpanName
from service.telemetry.meters import Meters
from service.telemetry.stage import Attributes, Live, Stages


class InstrumentedLimiter:
    """Implements `Limiter`."""

    def __init__(self, inner: Limiter, stages: Stages, meters: Meters) -> None:
        self._inner = inner
        self._stages = stages
        self._meters = meters

    def admit(self, model: str) -> AbstractAsyncContextManager[Admission]:
        return _Place(self._inner.admit(model), model, self._stages, self._meters)

    @contextmanager
    def reserve(self, model: str) -> Iterator[None]:
        """A claim that is granted is nothing to tell; one that is refused is an admission that failed."""
        with ExitStack() as claim:
            try:
                claim.enter_context(self._inner.reserve(model))
            except Rejected as rejected:
                with self._stages.start(SpanName.ADMISSION, attributes={Attribute.REQUEST_MODEL: model}) as span:
                    _count(self._meters, span, model, rejected)
                    raise
            yield

    def load(self, model: str) -> Load:
        return self._inner.load(model)


class _Place(AbstractAsyncContextManager[Admission]):
    """One place, from the wait for it to its end."""

    def __init__(
        self, inner: AbstractAsyncContextManager[Admission], model: str, stages: Stages, meters: Meters
    ) -> None:
        self._inner = inner
        self._model = model
        self._stages = stages
        self._meters = meters

    async def __aenter__(self) -> Admission:
        with self._stages.start(SpanName.ADMISSION, attributes={Attribute.REQUEST_MODEL: self._model}) as span:
            try:
                admission = await self._inner.__aenter__()
            except Rejected as rejected:
                _count(self._meters, span, self._model, rejected)
                raise
            span.note(_facts, admission)
        return admission

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._inner.__aexit__(kind, error, trace)


def _count(meters: Meters, span: Live, model: str, rejected: Rejected) -> None:
    meters.add(REJECTIONS, gen_ai_request_model=model, reason=rejected.reason)
    span.note(_refusal, rejected)


def _refusal(rejected: Rejected) -> Attributes:
    return {Attribute.ADMISSION_REASON: rejected.reason.value}


def _facts(admission: Admission) -> Attributes:
    return {Attribute.ADMISSION_WAITED: admission.waited_s, Attribute.ADMISSION_AHEAD: admission.ahead}
