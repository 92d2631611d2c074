"""What the metrics page costs once everything has happened that it can tell of, and whom a scrape keeps waiting."""

import asyncio
import time
from contextlib import suppress

import httpx

from tests.bench.figures import Row, at_most, quantile
from tests.bench.miss import questions
from tests.bench.plan import Plan
from tests.bench.stand import Stand, stand
from tests.components.service import OPENMETRICS

GROUP = "The metrics page"
METHOD = (
    "Scraped as Prometheus does (OpenMetrics, with exemplars) from the listener for metrics, after hits, misses, "
    "refusals, bad requests, streams, cancelled requests and every model. *Delay of others*: a request to `/healthz` "
    "every 5 ms, without scrapes and with one scrape after the other; the longest of the former is what the machine "
    "does by itself."
)
_MODELS = ("llama3.2:3b", "llama3.1:latest", "qwen2.5-coder:14b", "gpt-oss:20b")


def measure(plan: Plan) -> list[Row]:
    """Rows of this group."""
    with stand(plan.part("metrics-page"), RAG_ADMISSION__WAITING="0") as standing:
        plan.say("everything once")
        asyncio.run(_everything(standing))
        plan.say("scrapes")
        times_ms, series = _scrapes(standing, plan.of(60, 10))
        quiet, scraped = asyncio.run(_delays_ms(standing, plan.of(6.0, 1.0)))
    return [
        Row(GROUP, "a scrape, p50", quantile(times_ms, 0.5), "ms", at_most(200)),
        Row(GROUP, "a scrape, longest", max(times_ms), "ms"),
        Row(GROUP, "series", series, "", at_most(3000)),
        Row(GROUP, "delay of others, p99", quantile(scraped, 0.99), "ms", note=f"{quantile(quiet, 0.99):.2f} without"),
        Row(GROUP, "delay of others, longest", max(scraped), "ms", at_most(5), f"{max(quiet):.2f} without scrapes"),
    ]


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
        standing.ollama.control("/bench/set", {"token_s": 0.01})
        await asyncio.gather(*(client.post("/ask", json={"query": next(asked)}) for _ in range(8)))
        with suppress(httpx.TimeoutException):
            await client.post("/ask", json={"query": next(asked)}, timeout=0.1)
        standing.ollama.control("/bench/set", {"token_s": 0.0})


def _scrapes(standing: Stand, count: int) -> tuple[list[float], int]:
    times_ms = []
    url = f"http://127.0.0.1:{standing.service.metrics_port}/metrics"
    with httpx.Client(trust_env=False, headers={"accept": OPENMETRICS}) as client:
        for _ in range(count):
            began = time.perf_counter()
            page = client.get(url).text
            times_ms.append(1e3 * (time.perf_counter() - began))
    return times_ms, sum(not line.startswith("#") for line in page.splitlines())


async def _delays_ms(standing: Stand, seconds: float) -> tuple[list[float], list[float]]:
    """Without and with scrapes."""
    metrics = f"http://127.0.0.1:{standing.service.metrics_port}/metrics"
    async with httpx.AsyncClient(base_url=standing.service.url, timeout=60, trust_env=False) as client:

        async def look() -> list[float]:
            found = []
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                began = time.perf_counter()
                await client.get("/healthz")
                found.append(1e3 * (time.perf_counter() - began))
                await asyncio.sleep(0.005)
            return found

        async def scrape() -> None:
            while True:
                await client.get(metrics, headers={"accept": OPENMETRICS})

        await look()
        quiet = await look()
        scraping = asyncio.create_task(scrape())
        scraped = await look()
        scraping.cancel()
        await asyncio.gather(scraping, return_exceptions=True)
    return quiet, scraped
