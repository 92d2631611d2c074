"""Somebody who asks on and on beside a test, and keeps what came of every question."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import httpx

REQUEST_S = 60.0


@dataclass(frozen=True)
class Asked:
    """One question and what came of it. `status` 0 = no answer at all."""

    query: str
    status: int
    text: str
    trace_id: str
    duration_s: float


class Asking:
    """Used in `with`: asks the service at `url` one question of `questions` after another, `per_s` a second at most,
    until it is left. `asked` grows meanwhile; at the end nothing is under way any more.

    The first time a question is new, after that a hit; every `fresh_every`-th goes past the cache.
    """

    def __init__(self, url: str, questions: Sequence[str], per_s: float = 20.0, fresh_every: int = 10) -> None:
        self.asked: list[Asked] = []
        self._url = url
        self._questions = questions
        self._pause_s = 1 / per_s
        self._fresh_every = fresh_every
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._ask_on, name="asking", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._enough.set()
        self._thread.join(REQUEST_S)
        assert not self._thread.is_alive(), "a question is not answered"

    @property
    def failed(self) -> list[Asked]:
        """Everything but 200."""
        return [one for one in self.asked if one.status != 200]

    def _ask_on(self) -> None:
        with httpx.Client(base_url=self._url, timeout=REQUEST_S, trust_env=False) as client:
            number = 0
            while not self._enough.wait(self._pause_s):
                self.asked.append(self._ask(client, number))
                number += 1

    def _ask(self, client: httpx.Client, number: int) -> Asked:
        query = self._questions[number % len(self._questions)]
        body: dict[str, Any] = {"query": query, "temperature": 0}
        if number % self._fresh_every == 0:
            body["cache"] = {"no-cache": True}
        began = time.monotonic()
        try:
            reply = client.post("/ask", json=body)
        except httpx.HTTPError as error:
            return Asked(query, 0, type(error).__name__, "", time.monotonic() - began)
        text = reply.json()["answer"] if reply.status_code == 200 else reply.text
        return Asked(query, reply.status_code, text, reply.headers.get("x-trace-id", ""), time.monotonic() - began)
