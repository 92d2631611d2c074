"""What the metrics page costs once everything has happened that it can tell of, and whom a scrape keeps waiting."""

import asyncio
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from service.telemetry.catalogue import SERIES_BUDGET
from tests.bench.figures import Row, at_most, quantile
from tests.bench.miss import questions
from tests.bench.plan import Plan
from tests.bench.processes import run_alone
from tests.bench.stand import Stand, stand
from tests.components.service_client import OPENMETRICS

GROUP = "The metrics page"
METHOD = (
    "Scraped as Prometheus does (OpenMetrics, with exemplars) from the listener for metrics, after hits, misses, "
    "refusals, bad requests, streams, cancelled requests and every model. *Delay of others*: `/healthz` is asked for "
    "every 2 ms by a process of its own; per scrape the longest of these requests that fell due meanwhile, beside the "
    "longest in as long a time without a scrape, which is the machine's own doing. *Fullest page*: every combination "
    "of all labels' values that the budget of series admits, rendered in a process of its own, beside how late a timer "
    "of the event loop came meanwhile; the scrape of a real service stays below it."
)
_MODELS = ("llama3.2:3b", "llama3.1:latest", "qwen2.5-coder:14b", "gpt-oss:20b")
_PROBES_PER_S = 500.0


@dataclass
class _Scraped:
    """Milliseconds, one figure per scrape."""

    series: int = 0
    took_ms: list[float] = field(default_factory=list)
    delayed_ms: list[float] = field(default_factory=list)
    quiet_ms: list[float] = field(default_factory=list)


def measure(plan: Plan) -> list[Row]:
    """Rows of this group."""
    with stand(plan.part("metrics-page"), RAG_ADMISSION__WAITING="0") as standing:
        plan.say("everything once")
        asyncio.run(_everything(standing))
        plan.say("scrapes")
        scraped = _scrapes(standing, plan.of(60, 10))
    plan.say("the fullest page")
    full = run_alone("full_page", scrapes=plan.of(60, 10))
    return [
        Row(GROUP, "a scrape", statistics.median(scraped.took_ms), "ms", at_most(200), _longest(scraped.took_ms)),
        Row(GROUP, "series", scraped.series, "", at_most(SERIES_BUDGET)),
        _delay("longest delay of others in a scrape", scraped.delayed_ms, scraped.quiet_ms),
        Row(GROUP, "fullest page", statistics.median(full["render_ms"]), "ms", at_most(200)),
        Row(GROUP, "series of the fullest page", full["series"], "", at_most(SERIES_BUDGET)),
        _delay("longest stall of the event loop by the fullest page", full["stall_ms"], full["quiet_ms"]),
    ]


def _delay(what: str, found: Sequence[float], quiet: Sequence[float]) -> Row:
    note = (
        f"without one {statistics.median(quiet):.2f} ms; p95 of {len(found)} scrapes {quantile(found, 0.95):.2f} ms, "
        f"without {quantile(quiet, 0.95):.2f} ms"
    )
    return Row(GROUP, what, statistics.median(found), "ms", at_most(5), note)


def _longest(values: Sequence[float]) -> str:
    return f"longest {max(values):.1f} ms"


async def _everything(standing: Stand) -> None:
    asked = questions()
    async with httpx.AsyncClient(base_url=standing.service.url, timeout=60, trust_env=False) as client:
        for model in _MODELS:
            for query in (next(asked), "What is VWAP?", "What is VWAP?"):
                await client.post("/ask", json={"query": query, "model": model})
        await client.post("/ask", json={"query": next(asked), "stream": True})
        for body in ({"query": ""}, {"query": "x", "model": "nope"}, {"query": "How do I bake a cake?"}):
            await client.post("/ask", json=body)
        await client.post("/documents", files={"file": ("a.md", b"# A\n\nSome text.")})
        await client.post("/documents", files={"file": ("b.bin", b"\x00\x01")})
        for path in ("/monitoring/performance", "/monitoring/slow", "/documents", "/v1/models", "/nowhere"):
            await client.get(path)
        await _trouble(standing, client, asked)


async def _trouble(standing: Stand, client: httpx.AsyncClient, asked: Iterator[str]) -> None:
    """Crowds, clients that leave, and a model server that fails."""
    standing.ollama.control("/bench/set", {"token_s": 0.01})
    await asyncio.gather(*(client.post("/ask", json={"query": next(asked)}) for _ in range(8)))
    with suppress(httpx.TimeoutException):
        await client.post("/ask", json={"query": next(asked)}, timeout=0.1)
    standing.ollama.control("/bench/set", {"token_s": 0.0})
    faults: tuple[dict[str, Any], ...] = ({"status": 500}, {"drop": True}, {"cut_after": 3}, {"error_after": 3})
    for fault in faults:
        standing.ollama.control("/bench/set", {"fault": fault})
        for model in _MODELS:
            await client.post("/ask", json={"query": next(asked), "model": model})
    standing.ollama.control("/bench/set", {"fault": None})


def _scrapes(standing: Stand, count: int) -> _Scraped:
    """Each scrape is followed by as long a time without one."""
    url = f"http://127.0.0.1:{standing.service.metrics_port}/metrics"
    scraped, windows = _Scraped(), []
    with (
        httpx.Client(trust_env=False, headers={"accept": OPENMETRICS}, timeout=60) as client,
        ThreadPoolExecutor(1) as by,
    ):
        began = time.monotonic()
        page = client.get(url).text
        longest_s = 4 * (time.monotonic() - began) * count + 2
        probing = by.submit(
            run_alone,
            "load",
            mode="paced",
            port=standing.service.port,
            path="/healthz",
            connections=8,
            rate=_PROBES_PER_S,
            requests=round(_PROBES_PER_S * longest_s),
        )
        time.sleep(1.0)
        for _ in range(count):
            began = time.monotonic()
            page = client.get(url).text
            ended = time.monotonic()
            time.sleep(ended - began)
            windows.append((began, ended, time.monotonic()))
        probes = probing.result()
    for began, ended, over in windows:
        scraped.took_ms.append(1e3 * (ended - began))
        scraped.delayed_ms.append(_longest_ms(probes, began, ended))
        scraped.quiet_ms.append(_longest_ms(probes, ended, over))
    scraped.series = sum(not line.startswith("#") for line in page.splitlines())
    return scraped


def _longest_ms(probes: dict[str, Any], began: float, ended: float) -> float:
    """Of the requests that were due in the time between."""
    due = zip(probes["due_s"], probes["latencies_s"], strict=True)
    return 1e3 * max(latency for at, latency in due if began <= at < ended)
