"""One reading process, seen from the service: start it, ask it, end it."""

import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from service.corpus.loaders import wire

_ROOT = Path(__file__).resolve().parents[3]
_STREAM_BYTES = 1 << 20


class WorkerDied(Exception):
    """The process ended, or sent nonsense. `returncode` is negative for a signal."""

    def __init__(self, returncode: int | None) -> None:
        super().__init__(f"reading process ended with {returncode}")
        self.returncode = returncode

    @property
    def for_cpu(self) -> bool:
        return self.returncode == -signal.SIGXCPU


class WorkerProcess:
    """A process with pipes to it. Belongs to one event loop; takes one request at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.served = 0

    @classmethod
    async def start(cls, memory_bytes: int) -> "WorkerProcess":
        """A fresh process in its own session (a terminal's Ctrl+C is not for it), without our environment.

        Cancelled while starting, it leaves no process behind.
        """
        starting = asyncio.ensure_future(
            asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-m",
                "service.corpus.loaders.worker",
                str(memory_bytes),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={"PYTHONPATH": str(_ROOT), "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"},
                cwd="/",
                start_new_session=True,
                limit=_STREAM_BYTES,
            )
        )
        try:
            return cls(await asyncio.shield(starting))
        except asyncio.CancelledError:
            await cls(await starting).kill()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def ask(self, head: bytes, content: bytes, max_reply_bytes: int) -> bytes:
        """The body of the reply. Raises `WorkerDied`; no deadline of its own."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None  # noqa: S101 - both are pipes, see `start`
        try:
            stdin.write(head)
            stdin.write(content)
            await stdin.drain()
            size = int.from_bytes(await stdout.readexactly(wire.LENGTH_BYTES), "big")
            if size > max_reply_bytes:
                raise WorkerDied(None)
            body = await stdout.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise WorkerDied(await self._process.wait()) from error
        self.served += 1
        return body

    async def kill(self) -> None:
        """End it now, and wait until it is gone. Finishes even when cancelled; safe to call twice."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        gone = asyncio.ensure_future(self._gone())
        try:
            await asyncio.shield(gone)
        except asyncio.CancelledError:
            await gone
            raise

    async def _gone(self) -> None:
        stdin = self._process.stdin
        if stdin is not None:
            stdin.close()
            with contextlib.suppress(ConnectionError):
                await stdin.wait_closed()
        await self._process.wait()
