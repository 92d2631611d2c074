"""Stopwatch of one answer from Ollama, and the deadlines that follow from it. Seconds."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from service.clock import Clock
from service.errors import Dependency, DependencyTimeout
from service.generation.port import Chunk, GenerationRequest
from service.ollama.client import calling
from service.ollama.errors import BudgetSpent


class Watch:
    """Starts with its making. Knows when the first chunk and the first piece of the answer itself came."""

    def __init__(self, clock: Clock, request: GenerationRequest) -> None:
        self._clock = clock
        self._model = request.model
        self._deadline_s = request.deadline_s
        self._started = clock.monotonic()
        self.first_chunk_s: float | None = None
        self.first_answer_s: float | None = None

    @property
    def elapsed_s(self) -> float:
        return self._clock.monotonic() - self._started

    def heard(self, chunk: Chunk) -> None:
        at_s = self.elapsed_s
        if self.first_chunk_s is None:
            self.first_chunk_s = at_s
        if self.first_answer_s is None and not chunk.thinking:
            self.first_answer_s = at_s

    @asynccontextmanager
    async def bounded(self, waiting_for: str, at_most_s: float, *, begun: bool = False) -> AsyncIterator[None]:
        """Wait at most `at_most_s`, and never beyond the request's own deadline: `BudgetSpent` then."""
        left_s = self._deadline_s - self.elapsed_s
        try:
            async with calling(
                f"{waiting_for} from {self._model}", min(at_most_s, left_s), model=self._model, begun=begun
            ):
                yield
        except DependencyTimeout as error:
            if left_s > at_most_s:
                raise
            detail = f"no complete answer from {self._model} within {self._deadline_s:.4g} s"
            raise BudgetSpent(Dependency.OLLAMA, detail) from error
