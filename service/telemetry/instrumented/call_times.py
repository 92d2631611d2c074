"""How long calls take, of a model, an embedder or the retriever: one histogram for all of them."""

from collections.abc import Iterable

from service.telemetry.catalogue import CALL_DURATION
from service.telemetry.meters import Meters
from service.telemetry.stage import Live
from service.telemetry.vocabulary import SUCCESS, Operation, Provider


class CallTimes:
    """Records one kind of call. The good calls of `models` are counted from zero on."""

    def __init__(self, meters: Meters, operation: Operation, provider: Provider, models: Iterable[str]) -> None:
        self._meters = meters
        self._operation = operation
        self._provider = provider
        for model in models:
            meters.prepare(
                CALL_DURATION,
                gen_ai_operation_name=operation,
                gen_ai_provider_name=provider,
                gen_ai_request_model=model,
                error_type=SUCCESS,
            )

    def record(self, span: Live, model: str) -> None:
        """The call that `span` stands for, up to now or to its end."""
        self._meters.observe(
            CALL_DURATION,
            span.elapsed_s,
            span.context,
            gen_ai_operation_name=self._operation,
            gen_ai_provider_name=self._provider,
            gen_ai_request_model=model,
            error_type=span.error_type,
        )
