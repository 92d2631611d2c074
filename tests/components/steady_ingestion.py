"""Somebody who adds documents at a steady pace, and remembers which were acknowledged, when, and how long each took."""

import random
import threading
import time
from dataclasses import dataclass
from typing import Self

import httpx

_WORDS = [
    "".join(one)
    for one in (
        random.Random(7).choices("abcdefghijklmnopqrstuvwxyz", k=random.Random(n).randint(3, 9)) for n in range(4000)
    )
]


@dataclass(frozen=True)
class Acknowledged:
    """One document that is in: when the reply came, by the monotonic clock, and how long it took."""

    id: str
    at: float
    took_s: float


def text(number: int, words: int) -> bytes:
    """Prose of which no two are alike."""
    rng = random.Random(number)
    sentences = [" ".join(rng.choices(_WORDS, k=12)).capitalize() + "." for _ in range(max(1, words // 12))]
    return " ".join(sentences).encode()


class SteadyIngestion:
    """Used in `with`: adds `per_s` documents a second at `url`, as long as the block lasts. `first` numbers them."""

    def __init__(self, url: str, per_s: float = 20.0, words: int = 60, first: int = 0) -> None:
        self._url = url
        self._every_s = 1.0 / per_s
        self._words = words
        self._next = first
        self._guard = threading.Lock()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._go_on, daemon=True) for _ in range(4)]
        self._due = 0.0
        self.acknowledged: list[Acknowledged] = []
        self.refused: list[tuple[int, str]] = []

    def before(self, at: float) -> set[str]:
        """Ids of what had been acknowledged by then."""
        with self._guard:
            return {one.id for one in self.acknowledged if one.at <= at}

    def __enter__(self) -> Self:
        self._due = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)

    def _turn(self) -> tuple[int, float]:
        with self._guard:
            number, due = self._next, self._due
            self._next += 1
            # What could not be added in time is not caught up with: the pace is a pace.
            self._due = max(due + self._every_s, time.monotonic() - self._every_s)
            return number, due

    def _go_on(self) -> None:
        with httpx.Client(base_url=self._url, timeout=60.0, trust_env=False) as client:
            while not self._over.is_set():
                number, due = self._turn()
                if self._over.wait(max(0.0, due - time.monotonic())):
                    return
                began = time.monotonic()
                try:
                    reply = client.post("/documents", files={"file": (f"n{number}.md", text(number, self._words))})
                except httpx.HTTPError as error:
                    with self._guard:
                        self.refused.append((0, type(error).__name__))
                    continue
                now = time.monotonic()
                with self._guard:
                    if reply.is_success:
                        self.acknowledged.append(Acknowledged(reply.json()["id"], now, now - began))
                    else:
                        self.refused.append((reply.status_code, reply.text[:200]))
