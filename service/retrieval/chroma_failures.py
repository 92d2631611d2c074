"""What Chroma's failures mean, in one table. Its messages stay in the cause, for they can hold what is stored."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from service.errors import (
    BadDependencyReply,
    Dependency,
    DependencyError,
    DependencyTimeout,
    DependencyUnavailable,
    ErrorKind,
)

_REFUSALS = frozenset({"InvalidArgumentError", "InvalidDimensionException", "ValueError"})


@contextmanager
def translated(trouble: str) -> Iterator[None]:
    """Whatever Chroma raises becomes a `DependencyError`. `trouble` says what to do about it."""
    try:
        yield
    except DependencyError:
        raise
    except (KeyboardInterrupt, SystemExit, asyncio.CancelledError):
        raise
    # A panic of its native part is no `Exception`.
    except BaseException as error:
        raise _service_error(error, trouble) from error


def _service_error(error: BaseException, trouble: str) -> DependencyError:
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return DependencyUnavailable(Dependency.CHROMA, f"Chroma cannot be reached; {trouble}")
    if isinstance(error, httpx.TimeoutException):
        return DependencyTimeout(Dependency.CHROMA, f"Chroma did not answer in time; {trouble}")
    if isinstance(error, httpx.TransportError):
        return DependencyUnavailable(Dependency.CHROMA, f"Chroma cannot be reached; {trouble}")
    if isinstance(error, OSError):
        why = error.strerror or type(error).__name__
        return DependencyUnavailable(Dependency.CHROMA, f"the vector store cannot be opened ({why}); {trouble}")
    return _failed(error, trouble)


def _failed(error: BaseException, trouble: str) -> DependencyError:
    """Chroma itself raised. By name, because only `chroma.py` imports it."""
    name = type(error).__name__
    if name == "NotFoundError":
        detail = "Chroma has lost this corpus's vectors; they are made anew from the documents"
        return DependencyUnavailable(Dependency.CHROMA, detail)
    kind, detail = ErrorKind.BAD_GATEWAY, f"Chroma failed ({name}); {trouble}"
    if name in _REFUSALS:
        detail = f"Chroma refused the call ({name}); the vectors are not of the length that this collection holds"
    elif "disk is full" in str(error):
        kind = ErrorKind.STORAGE_FULL
        detail = "the disk that holds the vector store is full; free some space and try again"
    return BadDependencyReply(kind, Dependency.CHROMA, detail)
