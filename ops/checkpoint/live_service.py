"""The running service, as seen by whoever copies or exchanges its documents: over HTTP, with a key of scope `admin`."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from service.cli.client import ServiceClient
from service.cli.failures import Failure
from service.clock import Clock, SystemClock
from service.monitoring.port import KEPT_S

_LOOK_S = 0.2
_AT_ONCE = 5
_SLOW_COUNT = 1000


@dataclass
class Held:
    """A hold: whose documents it is, how long running writes took, and, once over, how long writers were kept out."""

    store: str
    drained_s: float
    paused_s: float = 0.0


class LiveService:
    """One service. Raises `Failure`."""

    def __init__(
        self, client: ServiceClient, clock: Clock | None = None, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self.client = client
        self._clock: Clock = clock or SystemClock()
        self._pause = pause

    @property
    def url(self) -> str:
        return self.client.url

    @contextmanager
    def held(self, wait_s: float, for_s: float) -> Iterator[Held]:
        """Writers are kept out within the block. Raises `Failure` at its end when they were let in before it."""
        told = self.client.post("/checkpoint/hold", {"wait_s": wait_s, "for_s": for_s})
        held = Held(str(told["store"]), float(told["drained_s"]))
        try:
            yield held
        except BaseException:
            # Whatever it is, it is more than a hold that may be over.
            with suppress(Failure):
                self._release(told)
            raise
        try:
            held.paused_s = self._release(told)
        except Failure as error:
            why = f"writers were let in after {for_s:g} s"
            raise Failure("The copy took too long", why, todo="Allow more with --hold.") from error

    def search(self, questions: Sequence[Mapping[str, Any]], top_k: int) -> list[list[str]]:
        """Ids of the chunks that are found for each."""
        found: list[list[str]] = []
        for start in range(0, len(questions), _AT_ONCE):
            asked = [{"text": one["text"], "vector": one["vector"]} for one in questions[start : start + _AT_ONCE]]
            found += self.client.post("/checkpoint/search", {"questions": asked, "top_k": top_k})["found"]
        return found

    def note_restore(self, checkpoint: str, took_s: float, *, went_back: bool) -> None:
        """For its log and traces."""
        self.client.post(
            "/checkpoint/restored",
            {"checkpoint": checkpoint, "took_s": round(took_s, 3), "went_back": went_back},
        )

    def document_ids(self) -> frozenset[str]:
        return frozenset(str(one["id"]) for one in self.client.get("/documents")["documents"])

    def slow(self) -> list[Any]:
        """The slow log, all that is kept."""
        return list(self.client.get("/monitoring/slow", window=f"{KEPT_S:.0f}s", count=_SLOW_COUNT)["slow"])

    def await_ready(self, longest_s: float) -> None:
        """Raises `Failure` when it is not ready within that time, with the reason it gave last."""
        until = self._clock.monotonic() + longest_s
        while True:
            try:
                self.client.get("/readyz")
            except Failure as error:
                if self._clock.monotonic() >= until:
                    why = error.what
                    raise Failure(f"The service at {self.url} is not ready after {longest_s:g} s", why) from error
            else:
                return
            self._pause(_LOOK_S)

    def _release(self, told: Mapping[str, Any]) -> float:
        return float(self.client.post("/checkpoint/release", {"token": told["token"]})["held_s"])
