"""The metrics page at its fullest, and what rendering it does to an event loop.

Alone in a process (`python -m tests.bench.full_page`): {"scrapes"} in, {"series", "render_ms", "stall_ms", "quiet_ms"}
out. Every combination of every label's values is recorded, more than any service can bring about, until the budget of
series is used up. `stall_ms` is the longest that the loop came late while a page was rendered, per page; `quiet_ms`
the same for as long a time without one.
"""

import asyncio
import gc
import json
import sys
import time
from itertools import product
from typing import Any

import uvloop

from service.__main__ import SWITCH_S
from service.clock import SystemClock
from service.settings import prepare_environment
from service.telemetry.catalogue import EVENT_METRICS, PROBLEMS
from service.telemetry.meters import SnapshotCollector
from service.telemetry.setup import Telemetry
from tests.components.service_client import OPENMETRICS
from tests.telemetry.recorder import EMBEDDER
from tests.telemetry.test_cardinality import MODELS, possible, record
from tests.telemetry.test_exposition_matches_catalogue import one_of_each

_TICK_S = 0.001


class Lateness:
    """Longest lateness of a timer since it was asked last, in ms. A context manager."""

    def __init__(self) -> None:
        self._longest_s = 0.0

    async def __aenter__(self) -> "Lateness":
        self._task = asyncio.ensure_future(self._tick())
        return self

    async def __aexit__(self, *error: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _tick(self) -> None:
        while True:
            due = time.perf_counter() + _TICK_S
            await asyncio.sleep(_TICK_S)
            self._longest_s = max(self._longest_s, time.perf_counter() - due)

    def longest_ms(self) -> float:
        longest_s, self._longest_s = self._longest_s, 0.0
        return 1e3 * longest_s


def fill(telemetry: Telemetry) -> None:
    """Everything that can be recorded."""
    readings = list(one_of_each(telemetry.meters))
    telemetry.registry.register(SnapshotCollector(lambda: readings))
    for metric in EVENT_METRICS:
        if metric is not PROBLEMS:
            for values in product(*(possible(label) for label in metric.labels)):
                record(telemetry.meters, metric.name, dict(zip(metric.label_names, values, strict=True)))


async def measure(scrapes: int) -> dict[str, Any]:
    telemetry = Telemetry(
        service="bench", version="1", environment="bench", models=MODELS, embedder=EMBEDDER, clock=SystemClock()
    )
    fill(telemetry)
    # As the service does when it starts.
    sys.setswitchinterval(SWITCH_S)
    gc.collect()
    gc.freeze()
    found: dict[str, list[float]] = {"render_ms": [], "stall_ms": [], "quiet_ms": []}
    page = b""
    async with Lateness() as late:
        await asyncio.sleep(0.1)
        for _ in range(scrapes):
            late.longest_ms()
            began = time.perf_counter()
            page, _ = await telemetry.page.render(OPENMETRICS)
            took_s = time.perf_counter() - began
            # The tick that was held up last is over only after the page is.
            await asyncio.sleep(_TICK_S)
            found["render_ms"].append(1e3 * took_s)
            found["stall_ms"].append(late.longest_ms())
            await asyncio.sleep(took_s)
            found["quiet_ms"].append(late.longest_ms())
    telemetry.shutdown()
    series = sum(not line.startswith(b"#") for line in page.splitlines())
    return {"series": series, **found}


if __name__ == "__main__":
    prepare_environment()
    json.dump(uvloop.run(measure(**json.load(sys.stdin))), sys.stdout)
