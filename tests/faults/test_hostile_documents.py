"""Hostile and broken files: each is refused with a reason, and the service can read the next one."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from service.corpus.loaders import wire
from service.corpus.loaders.port import ParseLimits
from service.corpus.loaders.sandbox import SandboxedLoader
from service.corpus.loaders.worker_process import WorkerDied, WorkerProcess
from service.errors import ServiceError, TooLarge, UnsupportedDocument
from tests.unit.corpus.loaders.samples import endless_pdf, flate_bomb, pdf

PAGE = b"<html><body><p>Stops limit losses.</p></body></html>"
# Lexbor takes quadratic time on open blocks: 60,000 of them take several seconds of processor time.
SLOW_PAGE = b"<html>" + b"<div>" * 60_000
DEADLINE_S = 10.0


@pytest.fixture
async def loader() -> AsyncIterator[SandboxedLoader]:
    made = SandboxedLoader(20 << 20, 50, 20.0, 512 << 20)
    yield made
    await made.close()


def stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the state on; empty when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def is_running(pid: int) -> bool:
    fields = stat(pid)
    return bool(fields) and fields[0] != "Z"


def is_busy(pid: int | None) -> bool:
    """Whether the process has spent time on more than starting."""
    fields = stat(pid) if pid is not None else []
    return bool(fields) and int(fields[11]) / os.sysconf("SC_CLK_TCK") > 0.2


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.02)


async def reading_pid(loader: SandboxedLoader) -> int:
    """The process, once it has really begun to spend time on the slow page."""
    await until(lambda: is_busy(loader.worker_pid))
    assert loader.worker_pid is not None
    return loader.worker_pid


@pytest.mark.parametrize(
    ("name", "content", "error", "reason"),
    [
        ("a.pdf", b"%PDF-1.7\n" + os.urandom(5000), UnsupportedDocument, "broken PDF"),
        ("a.pdf", pdf("x", password="p"), UnsupportedDocument, "is encrypted; remove the password and add it again"),
        ("a.pdf", pdf("", ""), UnsupportedDocument, "no text"),
        ("a.pdf", pdf(*["x"] * 51), TooLarge, "51 pages"),
        ("a.pdf", endless_pdf(), UnsupportedDocument, "broken PDF"),
        ("a.pdf", flate_bomb(90_000_000), TooLarge, "unpacks to more data"),
        ("a.pdf", b"MZ\x90\x00" + bytes(500), UnsupportedDocument, "program"),
        ("notes.md", bytes(range(256)) * 100, UnsupportedDocument, "binary file, whatever its name says"),
        ("notes.md", b"PK\x03\x04" + bytes(500), UnsupportedDocument, "ZIP archive"),
        ("a.json", b"[" * 1_000_000, UnsupportedDocument, "nested deeper"),
        ("a.json", b'{"a":' * 300_000, UnsupportedDocument, "nested deeper"),
        (
            "a.xml",
            b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><l>&b;</l>',
            UnsupportedDocument,
            "is XML",
        ),
        ("a.md", "\u200b\u2060\U000e0041".encode(), UnsupportedDocument, "no visible text"),
        ("a.txt", b"x" * (21 << 20), TooLarge, "above the limit of 20.0 MiB"),
    ],
)
async def test_is_refused_with_a_reason_and_the_next_file_is_read(
    loader: SandboxedLoader, name: str, content: bytes, error: type[ServiceError], reason: str
) -> None:
    with pytest.raises(error, match=reason):
        await loader.load(name, content)
    assert (await loader.load("good.html", PAGE)).text == "Stops limit losses."


async def test_a_file_that_takes_too_long_is_given_up() -> None:
    loader = SandboxedLoader(20 << 20, 50, 0.4, 512 << 20)
    await loader.load("good.html", PAGE)
    before = loader.worker_pid
    with pytest.raises(UnsupportedDocument, match=r"slow.html was not read within 0.4 s and was given up"):
        await loader.load("slow.html", SLOW_PAGE)
    assert before is not None and not is_running(before)
    assert (await loader.load("good.html", PAGE)).text == "Stops limit losses."
    assert loader.worker_pid not in {None, before}
    await loader.close()


async def test_a_file_that_needs_too_much_memory_is_given_up() -> None:
    loader = SandboxedLoader(20 << 20, 50, 20.0, 160 << 20)
    with pytest.raises(UnsupportedDocument, match=r"fat.json needs more than 160.0 MiB of memory"):
        await loader.load("fat.json", b"[" + b"[1,2]," * 1_500_000 + b"1]")
    assert (await loader.load("good.html", PAGE)).text == "Stops limit losses."
    await loader.close()


async def test_processor_time_ends_a_process_that_nobody_waits_for() -> None:
    worker = await WorkerProcess.start(512 << 20)
    with pytest.raises(WorkerDied) as caught:
        await worker.ask(*wire.request("slow.html", SLOW_PAGE, ParseLimits(1, 1000), 1), 1 << 20)
    assert caught.value.for_cpu
    await worker.kill()


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGSEGV])
async def test_a_crash_while_reading_is_told_and_survived(loader: SandboxedLoader, sent: signal.Signals) -> None:
    task = asyncio.create_task(loader.load("slow.html", SLOW_PAGE))
    pid = await reading_pid(loader)
    os.kill(pid, sent)
    with pytest.raises(UnsupportedDocument, match=r"slow\.html broke the process that reads documents"):
        await task
    assert (await loader.load("good.html", PAGE)).text == "Stops limit losses."
    assert loader.worker_pid != pid


async def test_a_process_that_died_between_two_files_is_replaced(loader: SandboxedLoader) -> None:
    await loader.load("good.html", PAGE)
    pid = loader.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await until(lambda: not is_running(pid))
    assert (await loader.load("good.html", PAGE)).text == "Stops limit losses."


async def test_a_process_that_dies_just_before_it_is_asked_is_not_blamed_on_the_document(
    loader: SandboxedLoader,
) -> None:
    for _ in range(5):
        await loader.load("good.html", PAGE)
        assert loader.worker_pid is not None
        os.kill(loader.worker_pid, signal.SIGKILL)
        # At once: nobody has noticed yet that it is gone.
        assert (await loader.load("good.html", PAGE)).text == "Stops limit losses."


async def test_cancelling_ends_the_process(loader: SandboxedLoader) -> None:
    task = asyncio.create_task(loader.load("slow.html", SLOW_PAGE))
    pid = await reading_pid(loader)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not is_running(pid)
    assert (await loader.load("good.html", PAGE)).text == "Stops limit losses."


async def test_waiting_for_a_turn_can_be_cancelled_without_harm(loader: SandboxedLoader) -> None:
    first = asyncio.create_task(loader.load("good.html", PAGE))
    second = asyncio.create_task(loader.load("good.html", PAGE))
    await asyncio.sleep(0)
    second.cancel()
    assert (await first).text == "Stops limit losses."
    with pytest.raises(asyncio.CancelledError):
        await second
    assert (await loader.load("good.html", PAGE)).text == "Stops limit losses."


async def test_many_at_once_all_get_their_own_text(loader: SandboxedLoader) -> None:
    pages = [f"<html><body><p>Page {number}.</p></body></html>".encode() for number in range(40)]
    documents = await asyncio.gather(*(loader.load("p.html", page) for page in pages))
    assert [document.text for document in documents] == [f"Page {number}." for number in range(40)]


OWNER = """
import asyncio, sys
from service.corpus.loaders.sandbox import SandboxedLoader
async def main():
    loader = SandboxedLoader(20 << 20, 50, 60.0, 512 << 20)
    await loader.load("good.html", b"<html><p>text</p></html>")
    print(loader.worker_pid, flush=True)
    await loader.load("slow.html", b"<html>" + b"<div>" * 200_000)
asyncio.run(main())
"""


async def test_killing_the_service_leaves_no_orphan() -> None:
    owner = await asyncio.create_subprocess_exec(sys.executable, "-c", OWNER, stdout=asyncio.subprocess.PIPE)
    assert owner.stdout is not None
    pid = int(await owner.stdout.readline())
    await until(lambda: is_busy(pid))
    owner.kill()
    await owner.wait()
    await until(lambda: not is_running(pid))
