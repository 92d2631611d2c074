"""Both are what callers of the ports expect."""

from service.errors import Dependency, DependencyTimeout, DependencyUnavailable, ErrorKind
from service.ollama.errors import BudgetSpent, OllamaUnreachable


def test_they_are_the_ports_own_errors() -> None:
    away = OllamaUnreachable(Dependency.OLLAMA, "away")
    late = BudgetSpent(Dependency.OLLAMA, "late")
    assert isinstance(away, DependencyUnavailable)
    assert away.kind is ErrorKind.CONNECTION_ERROR
    assert isinstance(late, DependencyTimeout)
    assert late.kind is ErrorKind.TIMEOUT
