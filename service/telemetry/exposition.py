"""The metrics page: rendered off the event loop, as OpenMetrics when the scraper asks for it, else as text.

Exemplars are part of OpenMetrics only. Rendering runs in a thread of its own, one scrape after another, and gives way
every few lines, so that neither many scrapers nor many series hold up an answer.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample
from starlette.types import Message, Receive, Scope, Send

from service.services import Exposition

# About a millisecond of work, then long enough for the event loop's thread to take over: left alone, the interpreter
# changes threads every 5 ms only.
_LINES_AT_ONCE = 100
_GIVE_WAY_S = 0.00005

_log = logging.getLogger(__name__)


class MetricsPage:
    """Implements `Exposition`. Every sample gets the labels `constant`. `close` ends its thread."""

    def __init__(self, registry: CollectorRegistry, constant: Mapping[str, str] | None = None) -> None:
        self._registry = registry
        self._constant = dict(constant or {})
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="metrics-page")

    async def render(self, accept: str) -> tuple[bytes, str]:
        """Body and content type."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.render_now, accept)

    def render_now(self, accept: str) -> tuple[bytes, str]:
        """The same, in the calling thread. An Accept header that makes no sense gets text."""
        encode, content_type = _encoder(accept)
        return encode(_Yielding(self._registry, self._constant)), content_type

    def close(self) -> None:
        """Wait for nothing: a page that is being rendered goes nowhere any more."""
        self._thread.shutdown(wait=False, cancel_futures=True)


class _Yielding(Collector):
    """A registry that lets other threads run between two metrics, and within long ones."""

    def __init__(self, registry: CollectorRegistry, constant: dict[str, str]) -> None:
        self._registry = registry
        self._constant = constant

    def collect(self) -> Iterator[Family]:
        for family in self._registry.collect():
            family.samples = _Paced(family.samples, self._constant)
            yield family
            time.sleep(_GIVE_WAY_S)


class _Paced(list[Sample]):
    """Samples of one metric with the constant labels, handed out a few at a time."""

    def __init__(self, samples: Iterable[Sample], constant: dict[str, str]) -> None:
        super().__init__(samples)
        self._constant = constant

    def __iter__(self) -> Iterator[Sample]:
        for number, sample in enumerate(super().__iter__(), start=1):
            if number % _LINES_AT_ONCE == 0:
                time.sleep(_GIVE_WAY_S)
            yield Sample(sample.name, sample.labels | self._constant, *sample[2:])


def _encoder(accept: str) -> tuple[Callable[[Collector], bytes], str]:
    try:
        return choose_encoder(accept)
    except (ValueError, TypeError):  # a version that is no number
        return choose_encoder("")


def metrics_app(exposition: Exposition) -> Callable[[Scope, Receive, Send], Any]:
    """The whole application of the scraper's own listener: GET and HEAD of /metrics, and nothing else."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            status, body, content_type = await _reply(exposition, scope)
            await _send(send, status, body, content_type, with_body=scope["method"] != "HEAD")

    return app


async def _reply(exposition: Exposition, scope: Scope) -> tuple[int, bytes, str]:
    if scope["path"] != "/metrics" or scope["method"] not in ("GET", "HEAD"):
        return 404, b"The metrics are at /metrics\n", "text/plain; charset=utf-8"
    accept = ",".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"accept")
    try:
        body, content_type = await exposition.render(accept)
    except Exception as error:
        _log.error("the metrics page could not be made", exc_info=error)
        return 500, b"The metrics page could not be made; the log says why\n", "text/plain; charset=utf-8"
    return 200, body, content_type


async def _send(send: Send, status: int, body: bytes, content_type: str, *, with_body: bool) -> None:
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body if with_body else b""})


async def _live(receive: Receive, send: Send) -> None:
    """Nothing to start or stop."""
    while True:
        message: Message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
