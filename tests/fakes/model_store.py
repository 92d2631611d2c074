"""Models of an Ollama server that the test makes up, with downloads."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from service.errors import ServiceError
from service.routing.ollama import PullProgress
from service.routing.port import ModelSnapshot, ModelState
from service.settings import Settings
from tests.fakes.model_directory import FakeModelDirectory


class FakeModelStore(FakeModelDirectory):
    """Implements `ModelStore`. A pulled model becomes installed, unless `pull_errors` has one for it. `opened` counts
    uses, `closed` how many have ended."""

    def __init__(self, current: ModelSnapshot | None = None) -> None:
        super().__init__(current)
        self.pull_errors: dict[str, ServiceError] = {}
        self.opened = 0
        self.closed = 0

    async def pull(self, model: str) -> AsyncGenerator[PullProgress, None]:
        self.calls.append(f"pull {model}")
        yield PullProgress("pulling manifest")
        yield PullProgress("pulling 1a2b", 5, 10)
        if model in self.pull_errors:
            raise self.pull_errors[model]
        yield PullProgress("success")
        state = ModelState(model, installed=True)
        self.current = replace(self.current, models={**self.current.models, model: state})

    @asynccontextmanager
    async def open(self, settings: Settings) -> AsyncIterator["FakeModelStore"]:
        self.opened += 1
        try:
            yield self
        finally:
            self.closed += 1
