"""A model server in a process of its own: `python -m tests.bench.model_server PORT`. It is the tests' fake Ollama.

Vectors have the length that the default embedder gives, and are sums of random ones for the words of a text.
`/bench/set` changes what it does, `/bench/served` tells how long it worked on each call since it was asked last: what
is left of a request's time is not its doing.
"""

import asyncio
import json
import sys
import time
import zlib
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import uvloop

from tests.fakes import ollama_wire as wire
from tests.fakes.ollama_models import FakeModel, Fault, Json, default_models
from tests.fakes.ollama_server import FakeOllama, _Call

DIMENSIONS = 768
# Words this short or shorter say nothing of what a text is about.
_SHORT = 3
_SENTENCE = "Momentum trading follows the move of the market [1], and a stop below the last low bounds the loss [2]."
REPLY = tuple(f"{word} " for word in (_SENTENCE + " ").split() * 3)


class BenchOllama(FakeOllama):
    """`stamped`: every token says when it was sent."""

    def __init__(self) -> None:
        super().__init__([replace(model, reply=REPLY, resident=True) for model in default_models()], slots=64)
        self.stamped = False
        self.served: list[tuple[str, float]] = []

    async def _answer(self, call: _Call) -> None:
        self.requests.clear()
        if call.path == "/bench/set":
            self._set(call.body)
            await wire.reply(call.writer, 200, None)
        elif call.path == "/bench/served":
            served, self.served = self.served, []
            await wire.reply(call.writer, 200, served)
        else:
            await super()._answer(call)
            if call.path in {"/api/chat", "/api/embed"}:
                self.served.append((call.path, time.perf_counter() - call.started))

    def _set(self, wish: Json) -> None:
        self.stamped = wish.get("stamped", self.stamped)
        if "fault" in wish:
            self.fault = Fault(**wish["fault"]) if wish["fault"] else None
        for model in self.models.values():
            model.token_s = wish.get("token_s", model.token_s)
            model.load_s = wish.get("load_s", model.load_s)
            model.reply = REPLY[: wish["tokens"]] if "tokens" in wish else model.reply
            model.resident = wish.get("resident", model.resident)

    async def _at_pace(self, call: _Call, model: FakeModel, spoken: list[Json]) -> AsyncIterator[Json]:
        async for part in super()._at_pace(call, model, spoken):
            yield {"content": f"<{time.monotonic_ns()}> "} if self.stamped else part

    async def _embed(self, call: _Call, model: FakeModel, load_s: float) -> None:
        given = call.body["input"]
        texts = [given] if isinstance(given, str) else given
        vectors = ",".join(map(vector_text, texts))
        head = {"model": call.body["model"], "prompt_eval_count": len(texts), "load_duration": 1, "total_duration": 1}
        text = f'{json.dumps(head)[:-1]}, "embeddings":[{vectors}]}}'
        await wire.reply(call.writer, 200, text)


def vector_text(text: str) -> str:
    """A unit vector as JSON: the sum of its words', so that texts with the same words are close."""
    known = [word.strip(".,;:?!()").casefold() for word in text.split()]
    numbers = np.sum([_vector_of(word) for word in known if len(word) > _SHORT] or [_vector_of(text)], axis=0)
    return "[" + ",".join(map("%.7f".__mod__, numbers / np.linalg.norm(numbers))) + "]"


@lru_cache(50_000)
def _vector_of(word: str) -> "np.ndarray[Any, np.dtype[np.float64]]":
    return np.random.default_rng(zlib.crc32(word.encode())).standard_normal(DIMENSIONS)


async def main(port: int) -> None:
    ollama = BenchOllama()
    ollama.port = port
    async with ollama:
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
