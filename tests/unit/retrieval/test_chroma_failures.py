"""Every failure has a meaning, keeps its cause, and tells nothing of what is stored."""

import asyncio

import chromadb.errors
import httpx
import pytest

from service.errors import (
    BadDependencyReply,
    Dependency,
    DependencyError,
    DependencyTimeout,
    DependencyUnavailable,
    ErrorKind,
)
from service.retrieval.chroma_failures import translated


class NativePanic(BaseException):
    """As the vendor's native part raises it: no `Exception`."""


@pytest.mark.parametrize(
    ("raised", "expected", "kind"),
    [
        (httpx.ConnectError("refused"), DependencyUnavailable, ErrorKind.CONNECTION_ERROR),
        (httpx.ConnectTimeout("slow"), DependencyUnavailable, ErrorKind.CONNECTION_ERROR),
        (httpx.RemoteProtocolError("cut"), DependencyUnavailable, ErrorKind.CONNECTION_ERROR),
        (httpx.ReadError("reset"), DependencyUnavailable, ErrorKind.CONNECTION_ERROR),
        (httpx.ReadTimeout("silent"), DependencyTimeout, ErrorKind.TIMEOUT),
        (PermissionError(13, "Permission denied"), DependencyUnavailable, ErrorKind.CONNECTION_ERROR),
        (chromadb.errors.NotFoundError("gone"), DependencyUnavailable, ErrorKind.CONNECTION_ERROR),
        (chromadb.errors.InvalidArgumentError("length"), BadDependencyReply, ErrorKind.BAD_GATEWAY),
        (chromadb.errors.InternalError("hnsw"), BadDependencyReply, ErrorKind.BAD_GATEWAY),
        (chromadb.errors.InternalError("database or disk is full"), BadDependencyReply, ErrorKind.STORAGE_FULL),
        (KeyError("ids"), BadDependencyReply, ErrorKind.BAD_GATEWAY),
        (NativePanic(), BadDependencyReply, ErrorKind.BAD_GATEWAY),
    ],
)
def test_the_table(raised: BaseException, expected: type[DependencyError], kind: ErrorKind) -> None:
    with pytest.raises(DependencyError) as failed, translated("look at it"):
        raise raised
    assert type(failed.value) is expected
    assert failed.value.kind is kind
    assert failed.value.dependency is Dependency.CHROMA
    assert failed.value.__cause__ is raised


def test_what_it_says_helps_and_holds_nothing_that_is_stored() -> None:
    with pytest.raises(DependencyError) as failed, translated("check the disk"):
        raise chromadb.errors.InternalError("chunk 'secret salary' is broken")
    assert "check the disk" in failed.value.detail
    assert "secret" not in failed.value.detail


@pytest.mark.parametrize(
    "passed", [DependencyTimeout(Dependency.CHROMA, "ours"), asyncio.CancelledError(), KeyboardInterrupt()]
)
def test_what_is_ours_or_no_failure_goes_through(passed: BaseException) -> None:
    with pytest.raises(type(passed)) as caught, translated("look at it"):
        raise passed
    assert caught.value is passed


def test_success_is_left_alone() -> None:
    with translated("look at it"):
        pass
