"""Keeping every writer out of the corpus for a while, so that its files can be copied as they lie.

A holder waits for its turn like a writer, and then keeps it. It must say beforehand for how long at most: when that
time is over the writers go on, whatever became of the holder. Readers never wait.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
from pathlib import Path

from service.clock import Clock
from service.corpus.port import Hold, Pause, Restore
from service.errors import Dependency, DependencyUnavailable, NotFound

_log = logging.getLogger(__name__)
# A writer that waits longer is told to come again: its client has a deadline too.
PATIENCE_S = 10.0
_TOLD = "a checkpoint is being made, and documents cannot be changed for some seconds; try again"


class TurnGate:
    """Implements `WriteGate` over `turn`, which every writer holds while it writes the files beside `file`."""

    def __init__(self, turn: asyncio.Lock, file: Path, clock: Clock) -> None:
        self._turn = turn
        self._file = file
        self._clock = clock
        self._token = ""
        self._begun = self._until = 0.0
        self._on_end: Callable[[Pause], None] = _nobody
        self._timer: asyncio.TimerHandle | None = None
        self._open = asyncio.Event()
        self._open.set()

    async def hold(self, wait_s: float, for_s: float, on_end: Callable[[Pause], None] | None = None) -> Hold:
        """See `WriteGate.hold`."""
        asked = self._clock.monotonic()
        try:
            async with asyncio.timeout(wait_s):
                await self._turn.acquire()
        except TimeoutError:
            detail = f"writers were not done within {wait_s:g} s; try again when less is being added"
            raise DependencyUnavailable(Dependency.SQLITE, detail, retry_after_s=PATIENCE_S) from None
        self._token = secrets.token_hex(16)
        self._begun = self._clock.monotonic()
        self._until = self._begun + for_s
        self._on_end = on_end or _nobody
        self._open.clear()
        self._timer = asyncio.get_running_loop().call_later(for_s, self._expire, self._token)
        status = self._file.stat()
        return Hold(self._token, f"{status.st_dev}:{status.st_ino}", for_s, self._begun - asked)

    def release(self, token: str) -> Pause:
        """See `WriteGate.release`."""
        if not self._token or not secrets.compare_digest(token.encode(), self._token.encode()):
            raise NotFound("this hold is over, so documents may have been changed since; hold again, for longer")
        return self._end(expired=False)

    def note(self, restore: Restore) -> None:
        """See `WriteGate.note`."""
        became = "was given up for the documents of before" if restore.went_back else "was restored"
        _log.info("checkpoint %s %s, after %.1f s", restore.checkpoint, became, restore.took_s)

    def end(self) -> None:
        """For the end of the service: whoever holds, writers go first now."""
        if self._token:
            self._end(expired=True)

    async def passed(self) -> None:
        """Wait while somebody holds; returns at once otherwise. Raises `DependencyUnavailable` after `PATIENCE_S`."""
        if self._open.is_set():
            return
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._open.wait()
        except TimeoutError:
            left_s = max(1.0, self._until - self._clock.monotonic())
            raise DependencyUnavailable(Dependency.SQLITE, _TOLD, retry_after_s=left_s) from None

    def _expire(self, token: str) -> None:
        if token == self._token:
            self._end(expired=True)

    def _end(self, *, expired: bool) -> Pause:
        pause = Pause(self._clock.monotonic() - self._begun, expired)
        if self._timer is not None:
            self._timer.cancel()
        self._token, self._timer = "", None
        self._open.set()
        self._turn.release()
        self._on_end(pause)
        return pause


def _nobody(pause: Pause) -> None:
    del pause
