"""CPU that telemetry takes of one answer that is made: the same pipeline with every wrapper, and with none.

Alone in a process (`python -m tests.bench.telemetry_cost`): {"otlp", "rounds", "requests"} in,
{"bare_ms", "whole_ms"} out, one figure per round and all threads counted. Everything that would cost more than
telemetry itself is a fake: models, indexes, caches. The routes and their guard are real, and the same on both sides.
"""

import asyncio
import json
import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import uvloop

from service.app import create_app
from service.ask.parts import Parts
from service.ask.pipeline import Pipeline
from service.ask.types import Asker
from service.clock import SystemClock
from service.settings import prepare_environment
from service.telemetry.instrumented.asker import InstrumentedAsker
from service.telemetry.logs import configure_logging
from service.telemetry.setup import Telemetry
from tests.fakes.generator import Chunk
from tests.fakes.services import FakeServices
from tests.telemetry.recorder import EMBEDDER, LARGE, SMALL
from tests.telemetry.wired import SlowGenerator, TwoIndexes, Wired

TOKENS = 60


@dataclass
class _Stand(Wired):
    """Wired to real telemetry instead of a recorder."""

    telemetry: Telemetry | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        assert self.telemetry is not None
        self.stages, self.meters = self.telemetry.stages, self.telemetry.meters
        self.retriever = TwoIndexes(*map(self._again, (self.retriever._vectors, self.retriever._words)))
        self.pipeline = Pipeline(self._parts(), self.clock)
        self.asker = InstrumentedAsker(self.pipeline, self.stages, self.meters)

    def _again(self, wrapper: Any) -> Any:
        return type(wrapper)(wrapper._inner, self.stages)

    def bare(self) -> Asker:
        """The same fakes without a wrapper."""
        wrapped = self._parts()
        unwrapped: dict[str, Any] = {field.name: inner(getattr(wrapped, field.name)) for field in fields(Parts)}
        searched = TwoIndexes(inner(self.retriever._vectors), inner(self.retriever._words))
        return Pipeline(replace(wrapped, **{**unwrapped, "retriever": searched}), self.clock)


def inner(part: Any) -> Any:
    """What a telemetry wrapper wraps; anything else as it is."""
    while type(part).__module__.startswith("service.telemetry.instrumented."):
        part = part._inner
    return part


def _post(number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    body = json.dumps({"query": f"What is momentum in case {number}?"}).encode()
    headers = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/ask",
        "raw_path": b"/ask",
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 80),
        "state": {},
    }
    return scope, {"type": "http.request", "body": body, "more_body": False}


async def _ask(app: Any, number: int) -> None:
    scope, request = _post(number)
    waiting, statuses = [request], []

    async def receive() -> dict[str, Any]:
        if waiting:
            return waiting.pop()
        await asyncio.Event().wait()
        raise AssertionError("never")

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(scope, receive, send)
    assert statuses == [200], statuses


async def _round_ms(app: Any, numbers: Sequence[int], exported_s: float) -> float:
    before = time.process_time()
    for number in numbers:
        await _ask(app, number)
    # The queue is emptied within the round, or its export would be charged to nobody.
    await asyncio.sleep(exported_s)
    return 1e3 * (time.process_time() - before) / len(numbers)


async def measure(otlp: str, rounds: int, requests: int) -> dict[str, list[float]]:
    """CPU milliseconds per answer, per round."""
    telemetry = Telemetry(
        service="bench",
        version="1",
        environment="bench",
        models=(SMALL, LARGE),
        embedder=EMBEDDER,
        traces_url=f"{otlp}/v1/traces",
        clock=SystemClock(),
    )
    generator = SlowGenerator()
    stand = _Stand(generator=generator, telemetry=telemetry)
    apps: dict[str, Any] = {}
    for name, asker in (("bare_ms", stand.bare()), ("whole_ms", stand.asker)):
        services = FakeServices()
        services.asker = asker  # type: ignore[assignment]
        apps[name] = create_app(services.build())
    telemetry.instrument(apps["whole_ms"])
    found: dict[str, list[float]] = {name: [] for name in apps}
    number = 0
    for turn in range(rounds + 1):
        for name, app in apps.items():
            generator.scripts.extend([[Chunk("word ")] * TOKENS] * requests)
            took_ms = await _round_ms(app, range(number, number + requests), 0.8)
            number += requests
            if turn:  # the first round warms up
                found[name].append(took_ms)
    telemetry.shutdown()
    return found


def main() -> None:
    wish = json.load(sys.stdin)
    prepare_environment()
    configure_logging("INFO", "bench", "bench", sys.stderr)
    logging.getLogger("service.requests").setLevel(logging.WARNING)
    json.dump(uvloop.run(measure(**wish)), sys.stdout)


if __name__ == "__main__":
    main()
