"""One at a time, by the kernel's lock."""

import os
from pathlib import Path

import pytest

from ops.checkpoint.turn import turn
from service.cli.failures import Failure


def test_the_second_one_is_told_who_is_first(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with turn(path, "does it", " of somebody"), pytest.raises(Failure, match="is in use") as caught, turn(path, "more"):
        pass
    assert caught.value.why == f"process {os.getpid()} of somebody more"
    assert path.stat().st_mode & 0o777 == 0o600
    with turn(path, "does it"):
        pass


def test_a_folder_is_its_own_lock(tmp_path: Path) -> None:
    with turn(tmp_path, "it is copied"), pytest.raises(Failure) as caught, turn(tmp_path, "it is copied"):
        pass
    assert caught.value.why == "it is copied"
    assert list(tmp_path.iterdir()) == []
