"""A small disk of its own in memory, made full and roomy by setting its size; that takes root."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

LEFT = 16 << 10


class SmallDisk:
    """A file system of its own at `path`, `roomy` bytes large."""

    def __init__(self, path: Path, roomy: int) -> None:
        self.path = path
        self._roomy = roomy

    def fill(self) -> None:
        """Leave next to nothing."""
        status = os.statvfs(self.path)
        self._mount(f"remount,size={(status.f_blocks - status.f_bfree) * status.f_frsize + LEFT}")

    def make_room(self) -> None:
        """Give it its size again."""
        self._mount(f"remount,size={self._roomy}")

    @contextmanager
    def mounted(self) -> Iterator[None]:
        """Skips the test where no such disk can be made."""
        if os.geteuid() != 0:
            pytest.skip("only root can make a small disk")
        try:
            self._mount(f"size={self._roomy}")
        except (subprocess.CalledProcessError, FileNotFoundError) as error:
            pytest.skip(f"no small disk can be made here: {error}")
        try:
            yield
        finally:
            subprocess.run(["umount", "--lazy", str(self.path)], check=True, timeout=30)

    def _mount(self, options: str) -> None:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.path)]
        subprocess.run(command, check=True, capture_output=True, timeout=30)
