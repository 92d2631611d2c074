"""The errors: one closed vocabulary, every kind reachable, and nothing but a safe detail in them."""

import pytest

from service.errors import (
    BadDependencyReply,
    Dependency,
    DependencyError,
    DependencyTimeout,
    DependencyUnavailable,
    ErrorKind,
    Forbidden,
    InvalidQuestion,
    NotFound,
    Overloaded,
    ServiceError,
    TooLarge,
    Unauthorized,
    UnknownModel,
    UnsupportedDocument,
)

WITH_DETAIL = {
    InvalidQuestion: ErrorKind.INVALID_QUESTION,
    UnknownModel: ErrorKind.MODEL_NOT_FOUND,
    UnsupportedDocument: ErrorKind.UNSUPPORTED_DOCUMENT,
    TooLarge: ErrorKind.TOO_LARGE,
    NotFound: ErrorKind.NOT_FOUND,
    Unauthorized: ErrorKind.UNAUTHORIZED,
    Forbidden: ErrorKind.FORBIDDEN,
}


@pytest.mark.parametrize(("error", "kind"), WITH_DETAIL.items(), ids=lambda value: getattr(value, "__name__", value))
def test_each_error_has_its_kind_and_shows_its_detail(error: type[ServiceError], kind: ErrorKind) -> None:
    raised = error("what to do")  # type: ignore[call-arg]
    assert raised.kind is kind
    assert str(raised) == raised.detail == "what to do"
    assert raised.retry_after_s is None
    assert raised.stage is None


def test_an_overload_says_when_to_come_again() -> None:
    raised = Overloaded("full", retry_after_s=3)
    assert (raised.kind, raised.retry_after_s) == (ErrorKind.OVERLOADED, 3)


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (DependencyTimeout(Dependency.OLLAMA, "x"), ErrorKind.TIMEOUT),
        (DependencyUnavailable(Dependency.OLLAMA, "x", retry_after_s=5), ErrorKind.CONNECTION_ERROR),
        (BadDependencyReply(ErrorKind.BAD_GATEWAY, Dependency.OLLAMA, "x"), ErrorKind.BAD_GATEWAY),
    ],
)
def test_a_failing_dependency_is_named(raised: DependencyError, kind: ErrorKind) -> None:
    assert raised.kind is kind
    assert raised.dependency is Dependency.OLLAMA
    assert isinstance(raised, ServiceError)


def test_kinds_are_words_that_labels_can_hold() -> None:
    values = [kind.value for kind in ErrorKind]
    assert len(set(values)) == len(values)
    assert all(value.replace("_", "").isalpha() for value in values)
    assert ErrorKind.OTHER.value == "_OTHER", "the word that OpenTelemetry reserves for what is not in the set"
