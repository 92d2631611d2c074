"""Starting, asking and ending one real reading process."""

import asyncio
import os

import pytest

from service.corpus.loaders import wire
from service.corpus.loaders.port import ParseLimits
from service.corpus.loaders.worker_process import WorkerDied, WorkerProcess

LIMITS = ParseLimits(max_pages=5, max_text_chars=10_000)


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_answers_more_than_once_and_is_gone_after_kill() -> None:
    worker = await WorkerProcess.start(1 << 30)
    for number in range(3):
        body = await worker.ask(*wire.request("a.md", f"text {number}".encode(), LIMITS, 5), 1 << 20)
        answer = wire.read_reply(body)
        assert getattr(answer, "text", None) == f"text {number}"
    assert worker.served == 3 and worker.alive
    await worker.kill()
    await worker.kill()
    assert not worker.alive and not is_there(worker.pid)


async def test_an_answer_above_the_limit_is_not_read() -> None:
    worker = await WorkerProcess.start(1 << 30)
    with pytest.raises(WorkerDied):
        await worker.ask(*wire.request("a.md", b"text", LIMITS, 5), 3)
    await worker.kill()


async def test_cancelled_while_starting_it_leaves_nothing() -> None:
    before = children()
    task = asyncio.create_task(WorkerProcess.start(1 << 30))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert children() == before


def children() -> str:
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:  # noqa: PTH123
        return file.read()
