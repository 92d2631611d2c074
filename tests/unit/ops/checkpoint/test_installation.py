"""A native installation: whether it runs, how it is stopped, and what lies beside it."""

import os
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ops.checkpoint.installation import NativeInstallation
from service.cli.failures import Failure

HOLDER = (
    "import pathlib, sys, time\nfrom service.data_folder import DataFolder\n"
    "DataFolder(pathlib.Path(sys.argv[1])).acquire()\nprint('has it', flush=True)\ntime.sleep(60)\n"
)


@pytest.fixture
def holder(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process that uses the data folder, as a service does."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "data")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "has it\n"
    yield process
    process.kill()
    process.communicate()


def native(folder: Path, **given: str) -> NativeInstallation:
    return NativeInstallation(folder / "data", None, **given)  # type: ignore[arg-type]


def test_without_commands_a_running_service_is_not_touched(tmp_path: Path, holder: "subprocess.Popen[str]") -> None:
    installation = native(tmp_path)
    assert installation.serving()
    assert not installation.startable()
    with pytest.raises(Failure, match="is in use") as caught:
        installation.stop()
    assert str(holder.pid) in caught.value.why
    assert "--stop 'systemctl stop emini-rag'" in caught.value.todo
    assert holder.poll() is None


def test_it_is_stopped_and_started_as_the_operator_says(tmp_path: Path, holder: "subprocess.Popen[str]") -> None:
    started = tmp_path / "started"
    installation = native(tmp_path, stop=f"kill {holder.pid}", start=shlex.join(["touch", str(started)]))
    installation.require_stoppable()
    assert installation.stop()
    assert not installation.serving()
    assert not installation.stop()
    installation.start()
    assert started.exists()


def test_a_command_that_fails_is_told(tmp_path: Path, holder: "subprocess.Popen[str]") -> None:
    with pytest.raises(Failure, match="failed with status 3"):
        native(tmp_path, stop="sh -c 'exit 3'", start="true").stop()
    with pytest.raises(Failure, match="failed"):
        native(tmp_path, stop="/no/such/program", start="true").stop()
    with pytest.raises(Failure, match="is no command"):
        native(tmp_path, stop="sh -c 'exit")


def test_a_start_that_leaves_its_output_open_comes_back(tmp_path: Path) -> None:
    """As everything does that a shell puts into the background."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    native(tmp_path, start=f"sh -c 'cat {gate} & exit 0'").start()
    gate.write_text("")


def test_what_lies_beside_in_the_native_stack(tmp_path: Path) -> None:
    stack = tmp_path / "data" / "stack"
    snapshot = stack / "prometheus" / "data" / "snapshots" / "s1"
    (snapshot / "block").mkdir(parents=True)
    (snapshot / "block" / "index").write_text("i")
    (stack / "grafana" / "data").mkdir(parents=True)
    with closing(sqlite3.connect(stack / "grafana" / "data" / "grafana.db")) as db:
        db.execute("CREATE TABLE t (n)")
    installation = native(tmp_path)
    installation.copy_snapshot("s1", tmp_path / "prometheus")
    assert (tmp_path / "prometheus" / "block" / "index").read_text() == "i"
    assert not snapshot.exists()
    installation.copy_grafana(tmp_path / "grafana.db")
    with closing(sqlite3.connect(tmp_path / "grafana.db")) as db:
        assert db.execute("SELECT name FROM sqlite_master").fetchall() == [("t",)]


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    installation = native(tmp_path)
    with pytest.raises(Failure, match="snapshot s1"):
        installation.copy_snapshot("s1", tmp_path / "x")
    for part, told in (("prometheus", "no Prometheus"), ("grafana", "no database of Grafana"), ("images", "no images")):
        with pytest.raises(Failure, match=told):
            installation.require_parts(**{"images": False, "prometheus": False, "grafana": False, part: True})
    installation.require_parts(images=False, prometheus=False, grafana=False)
    assert (installation.images(), installation.configuration()) == ([], {})
