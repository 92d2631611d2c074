"""Circuit breakers: one for the server, one per model. A dependency that keeps failing is left alone for a while.

The server's breaker counts calls that could not connect at all; a model's counts what went wrong after that, so that
one broken model never bars the way to the others. A breaker opens after `threshold` failures in a row and refuses at
once; after `pause_s` it is half open and lets one single call through, whose first token closes it again. Cancelled
calls, unknown models and bad requests say nothing about health and count neither way.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from service.clock import Clock
from service.errors import BadDependencyReply, Dependency, DependencyUnavailable, ErrorKind, ServiceError, UnknownModel
from service.generation.circuit import Circuit
from service.generation.port import BreakerState
from service.ollama.errors import BudgetSpent, OllamaUnreachable

SERVER = "ollama"
_SERVER_NAME = "Ollama"
_COUNTED = frozenset(
    {
        ErrorKind.CONNECTION_ERROR,
        ErrorKind.TIMEOUT,
        ErrorKind.SERVER_ERROR,
        ErrorKind.BAD_GATEWAY,
        ErrorKind.OVERLOADED,
        ErrorKind.STREAM_ERROR,
    }
)
_WORST = (BreakerState.CLOSED, BreakerState.HALF_OPEN, BreakerState.OPEN)


class Breakers:
    """Implements `Health`. Single-threaded, as the event loop is; nothing here waits.

    `models` are those that `states` shows from the start; others appear when they are first used.
    """

    def __init__(self, clock: Clock, *, models: Iterable[str] = (), threshold: int = 5, pause_s: float = 5.0) -> None:
        self._clock = clock
        self._threshold = threshold
        self._pause_s = pause_s
        self._server = self._new(_SERVER_NAME)
        self._models = {model: self._new(_named(model)) for model in models}

    def state(self, model: str) -> BreakerState:
        """See `Health.state`."""
        states = (self._server.state, self._models[model].state if model in self._models else BreakerState.CLOSED)
        return max(states, key=_WORST.index)

    def states(self) -> dict[str, BreakerState]:
        """See `Health.states`."""
        return {SERVER: self._server.state} | {f"{SERVER}/{name}": one.state for name, one in self._models.items()}

    def server_answered(self) -> None:
        """Something else heard from the server, such as the poll of its models: its breaker closes now."""
        self._server.close()

    @contextmanager
    def attempt(self, model: str) -> Iterator["Attempt"]:
        """Hold it around one call; what the block raises is counted.

        Raises `DependencyUnavailable` at once, with `retry_after_s`, when either breaker is open or being tried.
        """
        own = self._models.get(model) or self._models.setdefault(model, self._new(_named(model)))
        for breaker, name in ((self._server, _SERVER_NAME), (own, _named(model))):
            wait_s = breaker.refuses_for()
            if wait_s is not None:
                detail = f"{name} failed {self._threshold} times in a row and is left alone for a moment"
                raise DependencyUnavailable(Dependency.OLLAMA, detail, retry_after_s=wait_s)
        attempt = Attempt(self._server, own)
        try:
            yield attempt
        except ServiceError as error:
            attempt.failed(error)
            raise
        finally:
            attempt.leave()

    def _new(self, name: str) -> Circuit:
        return Circuit(name, self._clock, self._threshold, self._pause_s)


def _named(model: str) -> str:
    return f"{model} ({_SERVER_NAME})"


class Attempt:
    """One call under the breakers of the server and of its model. `probing`: it finds out if things are well again."""

    def __init__(self, server: Circuit, model: Circuit) -> None:
        self._server = server
        self._model = model
        # A list, not a generator: both have to be entered.
        self.probing = any([server.enter(self), model.enter(self)])

    def answered(self) -> None:
        """A first sign of life. Failures in a row are forgotten only when the answer has come to its end."""
        self._server.close()
        self._model.relent()

    def succeeded(self) -> None:
        self._server.close()
        self._model.close()

    def failed(self, error: ServiceError) -> None:
        if isinstance(error, BadDependencyReply | UnknownModel):
            self._server.close()  # a bad answer is an answer
        if error.kind not in _COUNTED or isinstance(error, BudgetSpent):
            return
        (self._server if isinstance(error, OllamaUnreachable) else self._model).fail()

    def leave(self) -> None:
        self._server.leave(self)
        self._model.leave(self)
