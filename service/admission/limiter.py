"""Bounded concurrency and bounded waiting per model: what does not fit is turned away at once.

Ollama queues without a limit for a model that is loaded, and tells nobody, so the queue stands here. Places are handed
over in the order of arrival, directly from the one who leaves to the one who waits longest. Belongs to one event loop.
Nothing is shared between processes: two services on one Ollama each have their own places.
"""

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from service.admission.port import Admission, Load, Rejected, RejectReason
from service.clock import Clock

# Weight of the newest service time in the running mean: about ten answers are remembered.
_ALPHA = 0.2
_MIN_RETRY_S = 1.0
_MAX_RETRY_S = 60.0


class SlotLimiter:
    """Implements `Limiter`: per model at most `slots` running and `waiting` queued, each for at most `queue_s`.

    A model's place in memory stays once it was asked for, so names must come from an allow-list.
    """

    def __init__(self, slots: int, waiting: int, queue_s: float, clock: Clock) -> None:
        if slots < 1 or waiting < 0:
            raise ValueError("admission needs at least one slot, and a queue length of 0 or more")
        self._slots = slots
        self._waiting = waiting
        self._queue_s = queue_s
        self._clock = clock
        self._lanes: dict[str, _Lane] = {}

    @asynccontextmanager
    async def admit(self, model: str) -> AsyncIterator[Admission]:
        """Hold a slot. Raises `Rejected`. Only work that ended well tells how long an answer usually takes."""
        lane = self._lanes.setdefault(model, _Lane())
        arrived = self._clock.monotonic()
        ahead = lane.running + lane.waiting
        await self._enter(model, lane)
        try:
            started = self._clock.monotonic()
            yield Admission(waited_s=started - arrived, ahead=ahead)
            lane.learn(self._clock.monotonic() - started)
        finally:
            lane.leave()

    @contextmanager
    def reserve(self, model: str) -> Iterator[None]:
        """See `Limiter.reserve`: as many claims as there are places to run and to wait."""
        lane = self._lanes.setdefault(model, _Lane())
        if lane.claims >= self._slots + self._waiting:
            raise self._full(model, lane)
        lane.claims += 1
        try:
            yield
        finally:
            lane.claims -= 1

    def load(self, model: str) -> Load:
        lane = self._lanes.get(model) or _Lane()
        return Load(
            in_flight=lane.running,
            waiting=max(lane.waiting, lane.claims - lane.running),
            slots=self._slots,
            max_waiting=self._waiting,
            usual_service_s=lane.usual_s or 0.0,
        )

    def models(self) -> tuple[str, ...]:
        """Every model that was asked for so far."""
        return tuple(self._lanes)

    async def _enter(self, model: str, lane: "_Lane") -> None:
        if lane.running < self._slots:
            # A free slot means an empty queue: places are handed over before they are free.
            lane.running += 1
            return
        if lane.waiting >= self._waiting:
            raise self._full(model, lane)
        if not await lane.wait(self._queue_s):
            detail = f"{model} is busy: no place within the queue deadline of {self._queue_s:g} s"
            raise self._rejected(RejectReason.QUEUE_TIMEOUT, detail, lane)

    def _full(self, model: str, lane: "_Lane") -> Rejected:
        waiting = max(lane.waiting, lane.claims - lane.running)
        detail = f"{model} is busy: {lane.running} running and {waiting} waiting, which is the limit"
        return self._rejected(RejectReason.QUEUE_FULL, detail, lane)

    def _rejected(self, reason: RejectReason, detail: str, lane: "_Lane") -> Rejected:
        turns = max(lane.running + lane.waiting, lane.claims) / self._slots
        retry_s = float(math.ceil(min(_MAX_RETRY_S, max(_MIN_RETRY_S, (lane.usual_s or 0.0) * turns))))
        return Rejected(reason, f"{detail}; try again in {retry_s:g} s", retry_after_s=retry_s)


class _Lane:
    """One model's places. A waiter's future gets True with a place, False when its time is up: never both."""

    def __init__(self) -> None:
        self.running = 0
        self.claims = 0
        self.queue: deque[asyncio.Future[bool]] = deque()
        self.usual_s: float | None = None

    @property
    def waiting(self) -> int:
        """Those still in line; one who was cancelled this very moment counts no more."""
        return sum(not turn.done() for turn in self.queue)

    async def wait(self, timeout_s: float) -> bool:
        """Stand in line; True with a place. Cancelled, the place in line or the one just handed over is given on."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[bool] = loop.create_future()
        self.queue.append(turn)
        timer = loop.call_later(timeout_s, self._give_up, turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.result():
                self.leave()
            raise
        finally:
            timer.cancel()
            # Whoever hands over or gives up has taken it out already.
            if turn in self.queue:
                self.queue.remove(turn)

    def leave(self) -> None:
        """Hand the place to the first in line, or free it."""
        while self.queue:
            turn = self.queue.popleft()
            if not turn.done():
                turn.set_result(True)
                return
        self.running -= 1

    def learn(self, service_s: float) -> None:
        self.usual_s = service_s if self.usual_s is None else self.usual_s + _ALPHA * (service_s - self.usual_s)

    def _give_up(self, turn: asyncio.Future[bool]) -> None:
        if not turn.done():
            self.queue.remove(turn)
            turn.set_result(False)
