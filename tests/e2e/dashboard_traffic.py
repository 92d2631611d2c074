"""People of all kinds at once, on and on: what fills pictures of dashboards with something worth looking at."""

import random
import threading
from collections.abc import Callable
from typing import Self

import httpx

from tests.components.ollama import CHAT_MODELS

REQUEST_S = 60.0
SUBJECTS = (
    *("a hedge", "a stop order", "slippage", "a margin call", "VWAP", "a limit order", "a trailing stop", "a spread"),
    *("momentum", "mean reversion", "drawdown", "position sizing", "backtesting", "a pairs trade", "volatility"),
)
FORMS = (
    "What is {}?",
    "How does {} work when the market falls quickly?",
    "Explain {} to a beginner with an example.",
    "Analyze and compare {} with its alternatives: costs, correlation and risk.",
    "Write a comprehensive, detailed and thorough report on {}. When is it worth its price?",
)
# The tier of each of these forms has this model.
MEANT_FOR = dict(zip((FORMS[0], FORMS[1], FORMS[3], FORMS[4]), CHAT_MODELS, strict=True))
_NEW = b"# Note %d\n\nFribbling of kind %d means keeping a document over a restart.\n"


class Visitors:
    """Used in `with`: `people` ask the service at `url` beside each other, each about `per_s` times a second, until it
    is left. The same seed makes the same choices. Failures are what some of them are for, so none is raised."""

    def __init__(self, url: str, people: int, per_s: float, seed: int) -> None:
        self._url = url
        self._pause_s = 1 / per_s
        self._enough = threading.Event()
        self._threads = [
            threading.Thread(target=self._visit, args=(random.Random(seed + number),), daemon=True)
            for number in range(people)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._enough.set()
        for thread in self._threads:
            thread.join(2 * REQUEST_S)

    def _visit(self, chance: random.Random) -> None:
        acts, weights = zip(*ACTS, strict=True)
        with httpx.Client(base_url=self._url, timeout=REQUEST_S, trust_env=False) as client:
            while not self._enough.wait(chance.expovariate(1 / self._pause_s)):
                try:
                    chance.choices(acts, weights)[0](client, chance)
                except httpx.HTTPError:
                    continue


def ask_the_usual(client: httpx.Client, chance: random.Random) -> None:
    """One of a few: soon a hit."""
    client.post("/ask", json={"query": FORMS[0].format(chance.choice(SUBJECTS[:6]))})


def ask(client: httpx.Client, chance: random.Random) -> None:
    """A question that the router reads, in more forms than are repeated soon."""
    client.post("/ask", json={"query": _question(chance)})


def ask_a_model(client: httpx.Client, chance: random.Random) -> None:
    """A model by name, for what it is meant for: the vectors of the question may be known, its answer is not."""
    form, model = chance.choices(tuple(MEANT_FOR.items()), (5, 3, 1, 1))[0]
    client.post("/ask", json={"query": _question(chance, form), "model": model, "temperature": chance.choice((0, 0.5))})


def stream(client: httpx.Client, chance: random.Random) -> None:
    client.post("/ask", json={"query": _question(chance), "stream": True})


def leave(client: httpx.Client, chance: random.Random) -> None:
    """Begin to read an answer, and go."""
    body = {"query": _question(chance, FORMS[0]), "stream": True}
    with client.stream("POST", "/ask", json=body) as reply:
        next(reply.iter_lines(), None)


def ask_for_what_is_not_there(client: httpx.Client, chance: random.Random) -> None:
    """Nothing in the documents, or no such model."""
    if chance.random() < 0.8:
        client.post("/ask", json={"query": f"Wie backt man {chance.randint(2, 40)} Himbeerkuchen?"})
    else:
        client.post("/ask", json={"query": _question(chance), "model": "gpt-17"})


def read_documents(client: httpx.Client, chance: random.Random) -> None:
    del chance
    client.get("/documents")


def upload(client: httpx.Client, chance: random.Random) -> None:
    """A small document, or what is none."""
    number = chance.randint(1, 500)
    good = (f"note-{number}.md", _NEW % (number, number), "text/markdown")
    bad = ("bad.zip", b"PK\x03\x04", "application/zip")
    client.post("/documents", files={"file": good if chance.random() < 0.7 else bad})


def _question(chance: random.Random, form: str = "") -> str:
    form = form or chance.choices(FORMS, (4, 4, 3, 2, 1))[0]
    return form.format(f"{chance.choice(SUBJECTS)} in market {chance.randint(1, 12)}")


ACTS: tuple[tuple[Callable[[httpx.Client, random.Random], None], float], ...] = (
    (ask_the_usual, 30),
    (ask, 25),
    (ask_a_model, 20),
    (stream, 8),
    (leave, 2),
    (ask_for_what_is_not_there, 4),
    (read_documents, 5),
    (upload, 0.6),
)
