"""Drives an installation until every panel of every dashboard has something to show: all that people do, enough of
it for quantiles, and what goes wrong."""

import threading
from collections.abc import Iterable

import httpx

from ops.stack.process import wait_until
from tests.components.installation import SERVICE, Installation
from tests.components.ollama import CHAT_MODELS, RunningOllama

# A quantile is shown from 20 answers on; Prometheus extrapolates, so a few more.
ENOUGH = 26
# One for each tier, by what the router reads from it.
TIERS = {
    "simple": "What is VWAP?",
    "medium": "How does a trailing stop order work when the market falls quickly?",
    "complex": "Analyze and compare momentum and mean reversion: drawdown, correlation and position sizing.",
    "research": "Write a comprehensive, detailed and thorough report on all strategies. Which is best? Why?",
}
FLOOD = 40  # one runs, sixteen wait
REQUEST_S = 60.0


def drive(installation: Installation, ollama: RunningOllama) -> None:
    """Returns when all of it has been scraped."""
    service = installation.service
    begin(installation, CHAT_MODELS)
    for model in CHAT_MODELS:
        for number in range(ENOUGH):
            service.ask(f"What is a stop order of kind {number}?", model=model)
        ollama.unload(model)
        service.ask("What is a trailing stop?", model=model, cache={"no-cache": True})
    # Twice with a scrape between: Prometheus sees no rise in a series that begins with its first value.
    for _ in range(2):
        for tier, question in TIERS.items():
            assert service.ask(question, model=CHAT_MODELS[0], cache={"no-store": True})["tier"] == tier
        installation.prometheus.scraped(SERVICE)
    for number in range(ENOUGH):
        service.ask(f"What is a stop order of kind {number}?", model=CHAT_MODELS[0])
        service.stream(f"What is slippage in market {number}?", model=CHAT_MODELS[0])
        service.client.get("/documents")
    # These with a scrape between for the same reason.
    for number in range(3):
        service.ask("Wie backt man Himbeerkuchen?")
        leave(service.url, f"What is a margin call, asked for the {number}. time?")
        service.client.post("/ask", json={"query": "What is slippage?", "model": "gpt-17"})
        installation.prometheus.scraped(SERVICE)
    added = {"file": ("added.md", b"# Added\n\nFribbling means keeping a document over a restart.", "text/markdown")}
    service.client.post("/documents", files=added)
    service.client.post("/documents", files={"file": ("bad.zip", b"PK\x03\x04")})
    for wave in range(2):
        flood(service.url, (f"What is a limit order, asked for the {wave}.{number}th time?" for number in range(FLOOD)))
        installation.prometheus.scraped(SERVICE)
    lose_the_models(installation, ollama)
    installation.prometheus.scraped(SERVICE)


def drive_beside(installation: Installation) -> None:
    """A little of everything in the second environment: as much as a comparison with the first one needs."""
    service = installation.service
    begin(installation, CHAT_MODELS[:1])
    for number in range(ENOUGH):
        service.ask(f"What is a stop order of kind {number}?", model=CHAT_MODELS[0])
        service.ask(f"What is a stop order of kind {number}?", model=CHAT_MODELS[0])
    service.client.post("/ask", json={"query": "What is slippage?", "model": "gpt-17"})
    installation.prometheus.scraped(SERVICE)


def go_on(installation: Installation, number: int) -> None:
    """What goes on while what is usual becomes known. Four at once wait for one another, so that their times differ
    fourfold: there is a bucket that some exceed and others do not, however fast the machine is."""
    for model in CHAT_MODELS:
        flood(installation.service.url, (f"What is a swap of kind {number}.{one}?" for one in range(4)), model)


def begin(installation: Installation, models: Iterable[str]) -> None:
    """A miss and a hit of each, scraped before the rest: Prometheus counts from the first value that it sees."""
    for model in models:
        for _ in range(2):
            installation.service.ask("What is a market order?", model=model)
    installation.prometheus.scraped(SERVICE)


def leave(url: str, query: str) -> None:
    """Begin to read an answer, and go."""
    body = {"query": query, "stream": True, "cache": {"no-cache": True}}
    with (
        httpx.Client(base_url=url, timeout=REQUEST_S, trust_env=False) as client,
        client.stream("POST", "/ask", json=body) as reply,
    ):
        next(reply.iter_lines(), None)


def flood(url: str, questions: Iterable[str], model: str = CHAT_MODELS[0]) -> None:
    """Ask all at once; some are turned away."""

    def ask(question: str) -> None:
        with httpx.Client(timeout=REQUEST_S, trust_env=False) as client:
            client.post(f"{url}/ask", json={"query": question, "model": model})

    threads = [threading.Thread(target=ask, args=(question,)) for question in questions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * REQUEST_S)


def lose_the_models(installation: Installation, ollama: RunningOllama) -> None:
    """Ask while there is no Ollama, and once it is back."""
    service = installation.service
    ollama.kill()
    for number in range(6):
        service.client.post("/ask", json={"query": f"What is a hedge, version {number}?", "model": CHAT_MODELS[1]})
    installation.prometheus.scraped(SERVICE)
    ollama.start()
    wait_until(lambda: service.value("rag_ollama_up") == 1, REQUEST_S, "Ollama is seen again")
    wait_until(
        lambda: service.ask("What is a swing?", cache={"no-cache": True})["mode"] == "generated",
        REQUEST_S,
        "a model answers again",
    )
