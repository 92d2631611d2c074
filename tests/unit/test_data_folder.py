"""The data folder and its one holder."""

import asyncio
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.data_folder import LOCK_NAME, DataFolder, FolderInUse
from service.errors import ErrorKind, ServiceError
from tests.fakes.clock import ManualClock
from tests.fakes.waiting import until

HOLD = """
import sys
from pathlib import Path
from service.data_folder import DataFolder
folder = DataFolder(Path(sys.argv[1]))
folder.acquire()
print("held", flush=True)
sys.stdin.read()
"""


def test_makes_a_private_folder_and_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "data"
    with DataFolder(path) as folder:
        assert path.stat().st_mode & 0o777 == 0o700
        assert (path / LOCK_NAME).stat().st_mode & 0o777 == 0o600
        folder.acquire()


def test_the_second_one_hears_who_holds_it(tmp_path: Path) -> None:
    with DataFolder(tmp_path, clock=ManualClock()) as first:
        second = DataFolder(tmp_path)
        with pytest.raises(ServiceError, match=r"process \d+ on \S+ since 2023-11-14 22:13:20 UTC.*RAG_DATA_DIR"):
            second.acquire()
        assert "process" in (second.holder() or "")
        first.release()
        assert second.holder() is None
        second.acquire()
        second.release()
        second.release()


def test_a_killed_holder_leaves_no_lock_behind(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        with pytest.raises(ServiceError, match=f"process {child.pid} on"):
            DataFolder(tmp_path).acquire()
        child.kill()
        child.wait(10)
        with DataFolder(tmp_path):
            pass
    finally:
        child.kill()
        child.communicate()


async def test_a_holder_that_is_leaving_is_waited_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    first, second = DataFolder(tmp_path), DataFolder(tmp_path)
    with caplog.at_level(logging.INFO), first:
        first.sign_off()
        waiting = asyncio.create_task(second.acquire_in_turn())
        await until(lambda: bool(caplog.records))
        await asyncio.sleep(0.02)
        assert not waiting.done()
    async with asyncio.timeout(10):
        await waiting
    assert len(caplog.records) == 1
    assert str(tmp_path) in caplog.text
    with pytest.raises(FolderInUse, match=f"process {os.getpid()} on"):
        first.acquire()
    second.release()


async def test_a_holder_that_stays_is_not_waited_for(tmp_path: Path) -> None:
    with DataFolder(tmp_path):
        async with asyncio.timeout(10):
            with pytest.raises(FolderInUse, match="RAG_DATA_DIR"):
                await DataFolder(tmp_path).acquire_in_turn(patience_s=3600)


async def test_patience_with_one_that_does_not_leave_ends(tmp_path: Path) -> None:
    with DataFolder(tmp_path) as stuck:
        stuck.sign_off()
        with pytest.raises(FolderInUse, match="another process"):
            await DataFolder(tmp_path).acquire_in_turn(patience_s=0.1)


async def test_other_failures_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    async with asyncio.timeout(10):
        with pytest.raises(ServiceError, match="cannot be written"):
            await DataFolder(tmp_path / "file").acquire_in_turn(patience_s=3600)


def test_signing_off_what_is_not_held_is_nothing(tmp_path: Path) -> None:
    DataFolder(tmp_path).sign_off()
    with DataFolder(tmp_path) as folder:
        folder.sign_off()
        assert folder.holder() == "another process"
    folder.sign_off()


def test_an_unreadable_note_is_still_a_held_lock(tmp_path: Path) -> None:
    with DataFolder(tmp_path):
        (tmp_path / LOCK_NAME).write_text("{nonsense")
        with pytest.raises(ServiceError, match="another process"):
            DataFolder(tmp_path).acquire()


def test_a_full_disk_is_told_before_anything_is_written(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path, min_free_bytes=1 << 62)
    with pytest.raises(ServiceError, match="left") as caught:
        folder.acquire()
    assert caught.value.kind is ErrorKind.STORAGE_FULL
    with DataFolder(tmp_path):
        pass


def test_a_path_that_cannot_be_a_folder_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ServiceError, match="cannot be written"):
        DataFolder(tmp_path / "file" / "data").acquire()
    with pytest.raises(ServiceError, match="cannot be written"):
        DataFolder(tmp_path / "file").acquire()
    assert DataFolder(tmp_path / "nowhere").holder() is None
