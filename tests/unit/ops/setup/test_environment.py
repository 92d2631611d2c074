"""The environment: prepared once, again when the lock changes, and never taken for ready when it is not."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ops.setup import environment
from ops.setup.environment import NotPrepared, count_installed, count_packages, fingerprint, prepare
from ops.setup.progress import Progress

LOCK = """\
# a comment with a==1
alpha==1.0 \\
    --hash=sha256:00
beta==2.0 ; sys_platform == 'win32' \\
    --hash=sha256:11 \\
    --hash=sha256:22
"""


def progress(title: str) -> Progress:
    return Progress(title, io.StringIO())


def refuse(title: str) -> Progress:
    pytest.fail(f"was prepared again: {title}")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose lock asks for nothing, prepared."""
    root = tmp_path_factory.mktemp("checkout")
    (root / "requirements.txt").write_text("# nothing\n")
    prepare("run", root, progress)
    return root


@pytest.mark.parametrize("linked", [False, True])
def test_the_command_starts_this_checkout_from_anywhere(prepared: Path, tmp_path: Path, linked: bool) -> None:
    stub = prepared / "service" / "cli"
    stub.mkdir(parents=True, exist_ok=True)
    (stub / "main.py").write_text("import sys\ndef main():\n    print('called with', sys.argv[1:])\n    return 3\n")
    command = prepared / ".venv/bin/emini-rag"
    if linked:
        (tmp_path / "short").symlink_to(command)
        command = tmp_path / "short"
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    answer = subprocess.run(
        [command, "ask", "two words"], capture_output=True, text=True, cwd="/", env=outside, check=False
    )
    assert (answer.returncode, answer.stdout) == (3, "called with ['ask', 'two words']\n"), answer.stderr


def test_nothing_is_done_again_while_the_lock_is_the_same(prepared: Path) -> None:
    stamp = prepared / ".venv" / "run"
    os.utime(stamp, (0, 0))
    prepare("run", prepared, refuse)
    assert stamp.stat().st_mtime > 0, "make would start this again each time"


def test_a_lock_that_cannot_be_installed_leaves_no_stamp(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(prepared))
    (prepared / "requirements-dev.txt").write_text(f"no-such-package==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(NotPrepared, match="no-such-package"):
        prepare("dev", prepared, progress)
    assert not (prepared / ".venv" / "dev").exists()


def test_another_lock_or_place_is_another_fingerprint(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text(LOCK)
    first = fingerprint(lock, tmp_path)
    assert first == fingerprint(lock, tmp_path)
    assert first != fingerprint(lock, tmp_path / "moved")
    lock.write_text(LOCK + "gamma==3.0\n")
    assert first != fingerprint(lock, tmp_path)


def test_packages_are_counted() -> None:
    assert count_packages(LOCK) == 2
    said = ["Collecting alpha==1.0\n", "  Downloading alpha\n", "Requirement already satisfied: beta==2.0 in x\n"]
    assert count_installed(said) == 2


def test_the_lock_files_are_there() -> None:
    for name in environment.LOCKS.values():
        assert count_packages((environment.ROOT / name).read_text()) > 50


def test_the_python_of_the_tests_is_new_enough() -> None:
    assert sys.version_info >= (3, 11)
