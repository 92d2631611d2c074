"""A directory of models that are simply there, beside the scripted generator where no Ollama runs."""

from collections.abc import Sequence

from service.clock import Clock
from service.errors import UnknownModel
from service.routing.port import ModelSnapshot, ModelState

_CAPABILITIES = frozenset({"completion"})


class FixedModelDirectory:
    """Implements `ModelDirectory`: every model in `names` is installed and resident, all under one `digest`."""

    def __init__(self, names: Sequence[str], clock: Clock, *, digest: str = "scripted") -> None:
        self._clock = clock
        self._models = {
            name: ModelState(name, installed=True, resident=True, digest=digest, capabilities=_CAPABILITIES)
            for name in names
        }

    def snapshot(self) -> ModelSnapshot:
        return ModelSnapshot(reachable=True, polled_at=self._clock.time(), models=self._models)

    async def refresh(self) -> ModelSnapshot:
        return self.snapshot()

    async def preload(self, model: str) -> None:
        if model not in self._models:
            raise UnknownModel(f"{model} is not one of the scripted models: {', '.join(self._models)}")
