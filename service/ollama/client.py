"""The one way to Ollama: a client with deadlines, and the one table that turns its failures into ours.

The vendor's client waits for ever by default, follows redirects, and obeys proxy variables; this one does none of
these. Every call goes through `calling`, which bounds it and translates whatever it raises, keeping the cause. What
Ollama wrote in an error stays in the cause and out of the detail, because it may repeat what it was sent.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import httpx
import ollama

from service.errors import (
    BadDependencyReply,
    Dependency,
    DependencyTimeout,
    DependencyUnavailable,
    ErrorKind,
    ServiceError,
    UnknownModel,
)
from service.ollama.errors import OllamaUnreachable

# A net below the deadlines of `calling`; it only has to be longer than any of them.
_READ_BACKSTOP_S = 900.0
_WRITE_S = 30.0
_CONNECTIONS = httpx.Limits(max_connections=256, max_keepalive_connections=16, keepalive_expiry=30.0)
_BUSY_RETRY_S = 1.0
_SECONDS = re.compile(r"-?\d+(\.\d+)?")

_KINDS: Final = {
    400: ErrorKind.BAD_REQUEST,
    404: ErrorKind.MODEL_NOT_FOUND,
    429: ErrorKind.RATE_LIMITED,
    499: ErrorKind.CANCELLED,
    502: ErrorKind.BAD_GATEWAY,
    503: ErrorKind.OVERLOADED,
    # The vendor's number for an error line in a stream that began well.
    -1: ErrorKind.STREAM_ERROR,
}
# All that the client can raise. ValueError: not JSON, or not of the expected form; AttributeError: JSON, but no object.
_VENDOR_ERRORS = (ollama.ResponseError, ollama.RequestError, httpx.HTTPError, OSError, ValueError, AttributeError)


def make_client(url: str, *, connect_timeout_s: float = 2.0) -> ollama.AsyncClient:
    """A client for all adapters to share; `await client.close()` gives its connections back."""
    timeout = httpx.Timeout(_READ_BACKSTOP_S, connect=connect_timeout_s, write=_WRITE_S, pool=connect_timeout_s)
    return ollama.AsyncClient(
        url or "http://127.0.0.1:11434",
        timeout=timeout,
        limits=_CONNECTIONS,
        follow_redirects=False,
        trust_env=False,
    )


def keep_alive_of(text: str) -> str | float:
    """Ollama takes a duration ("30m") as text, but seconds and "for ever" (-1) as a number only."""
    return float(text) if _SECONDS.fullmatch(text.strip()) else text.strip()


@asynccontextmanager
async def calling(waiting_for: str, timeout_s: float, *, model: str = "", begun: bool = False) -> AsyncIterator[None]:
    """Bound and translate one exchange. `waiting_for` completes "no ... within 5 s"; `begun`: a part is here already.

    Never hold it across a `yield`: the deadline belongs to the task that entered it.
    """
    try:
        async with asyncio.timeout(max(0.0, timeout_s)):
            yield
    except TimeoutError as error:
        raise DependencyTimeout(Dependency.OLLAMA, f"no {waiting_for} within {timeout_s:.4g} s") from error
    except _VENDOR_ERRORS as error:
        raise translated(error, model=model, begun=begun) from error


def translated(error: Exception, *, model: str = "", begun: bool = False) -> ServiceError:
    """The table. Statuses decide, never texts: those differ between routes and versions."""
    match error:
        case ollama.ResponseError():
            return _refused(error.status_code, model)
        case httpx.ConnectError() | httpx.ConnectTimeout() | ConnectionError():
            detail = "Ollama cannot be reached: start it (`ollama serve`), or set RAG_OLLAMA__URL to where it is"
            return OllamaUnreachable(Dependency.OLLAMA, detail)
        case httpx.TimeoutException():
            return DependencyTimeout(Dependency.OLLAMA, "Ollama went silent in the middle of an exchange")
        case httpx.NetworkError() | httpx.RemoteProtocolError() if not begun:
            return DependencyUnavailable(Dependency.OLLAMA, "Ollama closed the connection before it answered")
        case _:
            return _unreadable(error, model, begun=begun)


def _unreadable(error: Exception, model: str, *, begun: bool) -> BadDependencyReply:
    match error:
        case httpx.NetworkError() | httpx.RemoteProtocolError():
            return _bad(ErrorKind.STREAM_ERROR, f"{_who(model)} broke off in the middle of its answer; ask again")
        case ValueError() | AttributeError():
            kind = ErrorKind.STREAM_ERROR if begun else ErrorKind.BAD_GATEWAY
            return _bad(kind, f"{_who(model)} sent something that is not an answer; is another server at its address?")
        case _:
            return _bad(ErrorKind.OTHER, f"{_who(model)} could not be asked: {type(error).__name__}")


def _refused(status: int, model: str) -> ServiceError:
    kind = _KINDS.get(status, ErrorKind.SERVER_ERROR if status >= 500 else ErrorKind.OTHER)
    if kind is ErrorKind.MODEL_NOT_FOUND and model:
        return UnknownModel(f"{model} is not installed in Ollama: run `emini-rag models pull {model}`")
    if kind is ErrorKind.OVERLOADED:
        return _bad(kind, f"{_who(model)} is busy loading for others; try again", retry_after_s=_BUSY_RETRY_S)
    if kind is ErrorKind.STREAM_ERROR:
        return _bad(kind, f"{_who(model)} failed in the middle of its answer; Ollama's log says why")
    return _bad(kind, f"Ollama answered {status} for {model or 'this call'}; its log says why")


def _bad(kind: ErrorKind, detail: str, *, retry_after_s: float | None = None) -> BadDependencyReply:
    return BadDependencyReply(kind, Dependency.OLLAMA, detail, retry_after_s=retry_after_s)


def _who(model: str) -> str:
    return f"{model} (Ollama)" if model else "Ollama"
