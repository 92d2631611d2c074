"""One holder at a time, other processes included."""

import subprocess
import sys
from pathlib import Path

import pytest

from service.retrieval.folder_lock import FolderLock

_HOLD = """
import sys
from pathlib import Path
from service.retrieval.folder_lock import FolderLock
print(FolderLock(Path(sys.argv[1])).take(), flush=True)
sys.stdin.read()
"""


def test_it_makes_the_folder_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "chroma"
    lock = FolderLock(folder)
    assert lock.take()
    assert folder.stat().st_mode & 0o777 == 0o700
    lock.release()


def test_a_second_holder_is_refused_until_the_first_lets_go(tmp_path: Path) -> None:
    first, second = FolderLock(tmp_path), FolderLock(tmp_path)
    assert first.take()
    assert first.take()
    assert not second.take()
    first.release()
    assert second.take()
    assert not first.take()
    second.release()
    second.release()


def test_a_process_that_is_killed_holds_nothing_any_more(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    lock = FolderLock(tmp_path)
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == "True"
        assert not lock.take()
        holder.kill()
        holder.wait(10)
    assert lock.take()
    lock.release()


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        FolderLock(tmp_path / "file" / "chroma").take()
