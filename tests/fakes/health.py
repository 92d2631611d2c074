"""Breakers whose states the test sets."""

from service.generation.port import BreakerState

_WORST = (BreakerState.CLOSED, BreakerState.HALF_OPEN, BreakerState.OPEN)


class FakeHealth:
    """`server` is the breaker of the whole server, `models` those of single models; closed unless set."""

    def __init__(self) -> None:
        self.server = BreakerState.CLOSED
        self.models: dict[str, BreakerState] = {}

    def state(self, model: str) -> BreakerState:
        return max(self.server, self.models.get(model, BreakerState.CLOSED), key=_WORST.index)

    def states(self) -> dict[str, BreakerState]:
        return {"ollama": self.server} | {f"ollama/{model}": state for model, state in self.models.items()}
