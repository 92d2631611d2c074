"""What Ollama's adapters say beyond `service.errors`: whether a failure speaks of the server, a model, or neither."""

from service.errors import DependencyTimeout, DependencyUnavailable


class OllamaUnreachable(DependencyUnavailable):
    """No connection could be made: the server is away, and nothing is said about any model."""


class BudgetSpent(DependencyTimeout):
    """The request's own time is over. That says nothing about server or model."""
