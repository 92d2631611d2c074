"""Checkpoints and restores under damage, full disks and kill -9: what is in use is never touched by half."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console

from ops.checkpoint.archive import Archive
from ops.checkpoint.creating import Wish
from ops.checkpoint.files import listing, record
from ops.checkpoint.manifest import NAME, Manifest
from ops.checkpoint.restoring import Restoring
from ops.checkpoint.screen import Screen
from service.cli.failures import Failure
from service.store_swap import BESIDE, JOURNAL, NEW, OLD, Phase, beside, finish_at_start, read
from tests.components.small_disk import SmallDisk
from tests.unit.ops.checkpoint.stand import DOCUMENTS, Stand, fill, sources

KILLS = 20
ROOMY = 200 << 20
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Stand:
    """Two checkpoints of different documents, and the data folder after the second."""
    stand = Stand(tmp_path_factory.mktemp("kept"))
    fill(stand.data)
    stand.create("first")
    fill(stand.data, DOCUMENTS + 5)
    stand.create("second")
    return stand


@pytest.fixture
def stand(kept: Stand, tmp_path: Path) -> Iterator[Stand]:
    made = Stand(tmp_path, kept.data)
    shutil.copytree(kept.archive.folder, made.archive.folder)
    yield made
    made.client.__exit__()


def hashes(folder: Path) -> dict[str, str]:
    """Of the documents and vectors: what does not change by being looked at."""
    names = {path: path.relative_to(folder).as_posix() for path in listing(folder)}
    return {
        name: record(path).sha256
        for path, name in names.items()
        if BESIDE not in name and not name.endswith(("lock", JOURNAL, "-wal", "-shm"))
    }


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[random.Random(len(content)).randrange(len(content))] ^= 0x10
    path.write_bytes(content)


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _files(stand: Stand) -> list[str]:
    return sorted(Manifest.read(stand.path()).files)


@pytest.mark.parametrize("harm", [flip, truncate, Path.unlink], ids=["flipped", "cut", "missing"])
def test_harm_to_any_file_is_named_and_nothing_is_touched(stand: Stand, harm: Callable[[Path], object]) -> None:
    before = hashes(stand.data)
    for name in [name for name in _files(stand) if (stand.path() / name).stat().st_size]:
        whole = (stand.path() / name).read_bytes()
        harm(stand.path() / name)
        assert not (stand.path() / name).exists() or (stand.path() / name).read_bytes() != whole
        with stand.archive.changing(), pytest.raises(Failure, match="damaged") as caught:
            Restoring(stand.making()).restore("first")
        assert name in caught.value.why
        (stand.path() / name).write_bytes(whole)
    assert hashes(stand.data) == before
    assert not (stand.data / BESIDE).exists()


@pytest.mark.parametrize("harm", [flip, truncate, Path.unlink], ids=["flipped", "cut", "missing"])
def test_harm_to_the_manifest_is_named(stand: Stand, harm: Callable[[Path], object]) -> None:
    before = hashes(stand.data)
    harm(stand.path() / NAME)
    with stand.archive.changing(), pytest.raises(Failure, match="damaged") as caught:
        Restoring(stand.making()).restore("first")
    assert NAME in caught.value.why
    assert hashes(stand.data) == before


def test_a_swapped_manifest_is_named(stand: Stand) -> None:
    before = hashes(stand.data)
    shutil.copyfile(stand.path("second") / NAME, stand.path() / NAME)
    with stand.archive.changing(), pytest.raises(Failure, match="damaged") as caught:
        Restoring(stand.making()).restore("first")
    assert caught.value.why == f"{NAME}: is that of checkpoint second"
    assert hashes(stand.data) == before


@pytest.mark.slow
def test_a_kill_at_any_point_leaves_the_old_or_the_new_documents(stand: Stand) -> None:
    """After each: what a service that starts does, and then byte by byte one of the two; and a repeat finishes."""
    rng = random.Random(20260830)
    possible = [hashes(stand.data), *(hashes(stand.path(name) / "store") for name in ("first", "second"))]
    command = [sys.executable, "-m", "tests.faults.exchanging", str(stand.data)]
    command += [str(stand.path("first")), str(stand.path("second"))]
    phases: set[Phase | None] = set()
    moved = 0
    for _ in range(KILLS):
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
        try:
            assert process.stdout is not None
            for _ in range(rng.randrange(1, 10)):
                assert process.stdout.readline() in {"end\n", "stage\n", "exchange\n"}
            time.sleep(rng.uniform(0.0, 0.012))
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        journal = read(stand.data)
        phases.add(None if journal is None else journal.phase)
        moved += beside(stand.data, OLD).exists() and beside(stand.data, NEW).exists()
        finish_at_start(stand.data)
        journal = read(stand.data)
        assert journal is None or journal.phase is Phase.PLACED
        assert hashes(stand.data) in possible, "neither the old documents nor the new ones"
    assert len(phases) > 1, "every kill fell into the same phase"
    assert moved > 0, "no kill fell between the states"
    with stand.archive.changing():
        Restoring(stand.making()).restore("first")
    assert sources(stand.data) == {f"doc{number}.md" for number in range(DOCUMENTS)}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    made = SmallDisk(tmp_path / "disk", ROOMY)
    made.path.mkdir()
    with made.mounted():
        yield made


def test_a_full_disk_makes_no_half_checkpoint_and_touches_nothing(kept: Stand, disk: SmallDisk) -> None:
    stand = Stand(disk.path, kept.data)
    shutil.copytree(kept.archive.folder, stand.archive.folder)
    before = hashes(stand.data)
    disk.fill()
    with pytest.raises(Failure, match="not enough space"):
        stand.create("third")
    with stand.archive.changing(), pytest.raises(Failure, match="not enough space"):
        Restoring(stand.making()).restore("first")
    assert set(stand.archive.names()) == {"first", "second"}
    assert hashes(stand.data) == before
    disk.make_room()
    stand.create("third")
    assert set(stand.archive.names()) == {"first", "second", "third"}
    stand.client.__exit__()


class Filling(Screen):
    """Fills the disk as soon as the copying begins: what was known beforehand does not help then."""

    disk: SmallDisk
    filled = False

    def say(self, text: str) -> None:
        super().say(text)
        if text.startswith("copying"):
            self.disk.fill()
            self.filled = True


def test_a_disk_that_fills_up_meanwhile_makes_no_half_checkpoint(kept: Stand, disk: SmallDisk, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    stand = Stand(tmp_path / "here", kept.data)
    stand.archive = Archive(disk.path / "checkpoints")
    before = hashes(stand.data)
    making = stand.making()
    making.screen = screen = Filling(Console(file=stand.said), making.clock)
    screen.disk = disk
    with stand.archive.changing(), pytest.raises((Failure, OSError), match=r"full|space|copied"):
        making.create(Wish("first"))
    assert screen.filled
    assert stand.archive.names() == []
    assert not list(stand.archive.folder.glob(".new-*"))
    assert hashes(stand.data) == before
    stand.client.__exit__()
