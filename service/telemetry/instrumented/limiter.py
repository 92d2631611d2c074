"""`admission`: the wait for a place, not the time it is held; and who was turned away."""

from contextlib import AbstractAsyncContextManager
from types import TracebackType

from service.admission.port import Admission, Limiter, Load, Rejected
from service.telemetry.catalogue import REJECTIONS, Attribute, SpanName
from service.telemetry.meters import Meters
from service.telemetry.stage import Attributes, Stages


class InstrumentedLimiter:
    """Implements `Limiter`."""

    def __init__(self, inner: Limiter, stages: Stages, meters: Meters) -> None:
        self._inner = inner
        self._stages = stages
        self._meters = meters

    def admit(self, model: str) -> AbstractAsyncContextManager[Admission]:
        return _Place(self._inner.admit(model), model, self._stages, self._meters)

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
                self._meters.add(REJECTIONS, gen_ai_request_model=self._model, reason=rejected.reason)
                span.note(_refusal, rejected)
                raise
            span.note(_facts, admission)
        return admission

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._inner.__aexit__(kind, error, trace)


def _refusal(rejected: Rejected) -> Attributes:
    return {Attribute.ADMISSION_REASON: rejected.reason.value}


def _facts(admission: Admission) -> Attributes:
    return {Attribute.ADMISSION_WAITED: admission.waited_s, Attribute.ADMISSION_AHEAD: admission.ahead}
