"""A service of this machine is ended, exchanged, and started again by whoever does so: here a stand-in for it, with
the real launcher, the real locks and real processes."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ops.checkpoint.live_service import LiveService
from ops.rollout import pointer
from ops.rollout.journal import Records
from ops.rollout.native import NativeHost
from ops.rollout.pointer import FOLDER, Pointer, Version
from ops.rollout.processes import is_alive
from ops.rollout.source import Source
from ops.stack.process import free_port, wait_until
from ops.stack.site import ROOT
from service.cli.client import ServiceClient
from service.cli.failures import Failure
from service.data_folder import DataFolder
from tests.unit.ops.rollout.test_source import git

# Holds the data folder as the service does, and answers /readyz as its version says.
_SERVICE = """\
import http.server, json, os, signal, sys
sys.path.insert(0, {root!r})
from pathlib import Path
from service.data_folder import DataFolder
folder = DataFolder(Path(os.environ["RAG_DATA_DIR"]))
if {answer!r} == "crash":
    sys.stdout.write("it cannot start\\n")
    sys.stdout.flush()
    sys.exit(3)
folder.acquire()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({{"status": {answer!r}, "dependencies": []}}).encode()
        self.send_response(200 if {answer!r} == "ready" else 503)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
if {answer!r} != "stubborn":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
else:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
http.server.HTTPServer(("127.0.0.1", int(os.environ["STAND_PORT"])), Handler).serve_forever()
"""


class Stand:
    """A data folder with versions laid out, and a host over it. `supervise` starts the launcher again and again."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.folder = self.data / FOLDER
        self.port = free_port()
        self.client = ServiceClient(f"http://127.0.0.1:{self.port}", timeout_s=5)
        self.said: list[str] = []
        self.root = folder / "repository"
        (self.root / "service").mkdir(parents=True)
        (self.root / "service" / "a.py").write_text("a = 1\n")
        (self.root / "requirements.txt").write_text("")
        git(self.root, "init", "--quiet", "--initial-branch=main")
        git(self.root, "add", "--all")
        git(self.root, "-c", "user.name=T", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", "one")
        self._over = threading.Event()
        self._supervisor: threading.Thread | None = None
        self._output = (folder / "output.log").open("ab")

    def host(self, ready_s: float = 60.0, supervisor_s: float = 0.3, running: str = "") -> NativeHost:
        return NativeHost(
            self.data,
            None,
            LiveService(self.client),
            self.said.append,
            source=Source(self.root),
            running=running,
            ready_s=ready_s,
            supervisor_s=supervisor_s,
        )

    def version(self, name: str, answer: str = "ready") -> Version:
        """A laid out version of the stand-in."""
        place = self.data / "versions" / name
        (place / "service").mkdir(parents=True)
        (place / "service" / "__init__.py").touch()
        (place / "service" / "__main__.py").write_text(
            _SERVICE.format(root=str(ROOT), answer=answer).replace(
                "from service.data_folder", "del sys.modules['service']; from service.data_folder"
            )
        )
        (place / ".venv" / "bin").mkdir(parents=True)
        (place / ".venv" / "bin" / "python").symlink_to(sys.executable)
        return Version(name * 40, str(place), 1)

    def launch(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "ops.rollout.launch"],
            env={
                "RAG_DATA_DIR": str(self.data),
                "STAND_PORT": str(self.port),
                "PYTHONPATH": str(ROOT),
                "PATH": os.defpath,
            },
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def supervise(self) -> None:
        def run() -> None:
            process = self.launch()
            while not self._over.wait(0.02):
                if process.poll() is not None:
                    process = self.launch()
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)

        self._supervisor = threading.Thread(target=run, daemon=True)
        self._supervisor.start()
        wait_until(lambda: DataFolder(self.data).holder() is not None, 20, "the service runs")

    def first(self, version: Version) -> None:
        """It was deployed before."""
        self.folder.mkdir(parents=True, exist_ok=True)
        pointer.write(self.folder, Pointer(version))

    def close(self) -> None:
        self._over.set()
        if self._supervisor is not None:
            self._supervisor.join(20)
        last = pointer.launched(self.folder)
        if last is not None and is_alive(last.pid):
            os.kill(last.pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(last.pid, 0)
        self.client.__exit__()
        self._output.close()


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    made = Stand(tmp_path)
    yield made
    made.close()


def test_a_version_is_exchanged_under_a_supervisor_that_knows_nothing_of_it(stand: Stand) -> None:
    old, new = stand.version("a"), stand.version("b")
    stand.first(old)
    stand.supervise()
    host = stand.host(supervisor_s=20)
    wait_until(lambda: host.serves(old), 20, "the old one serves")
    assert (host.present(), host.glance()) == (old, old.short)
    with Records(stand.folder).alone():
        host.up(new, old, "try")
    assert host.serves(new)
    assert not host.serves(old)
    # Until it is confirmed, the old one is what is come back to.
    assert host.present() == old
    host.confirm(new, old)
    assert host.present() == new
    assert stand.said == []


@pytest.mark.parametrize(("answer", "why"), [("crash", "ended while it started"), ("never", "is not ready after 2 s")])
def test_one_that_does_not_come_up_is_a_failure_and_the_old_one_can_come_back(
    stand: Stand, answer: str, why: str
) -> None:
    old, new = stand.version("a"), stand.version("b", answer)
    stand.first(old)
    stand.supervise()
    host = stand.host(ready_s=2 if answer == "never" else 90, supervisor_s=60)
    with Records(stand.folder).alone():
        with pytest.raises(Failure, match=why) as failed:
            host.up(new, old, "try")
        assert failed.value.why == ("it cannot start" if answer == "crash" else "it says never")
        stand.host(supervisor_s=20).up(old, new, "")
    assert host.serves(old)


def test_where_nobody_starts_it_it_is_started_here_with_the_environment_of_before(stand: Stand) -> None:
    old, new = stand.version("a"), stand.version("b")
    stand.first(old)
    process = stand.launch()
    host = stand.host()
    wait_until(lambda: host.serves(old), 20, "the old one serves")
    with Records(stand.folder).alone():
        host.up(new, old, "try")
    assert host.serves(new)
    assert "nobody started it within 0.3 s" in stand.said[0]
    assert process.wait(10) == 0
    assert (stand.folder / "service.log").exists()
    assert "runs, as it was deployed" in (stand.folder / "service.log").read_text()


def test_one_that_does_not_end_in_order_is_ended_by_force(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.rollout.native._END_S", 0.3)
    old, new = stand.version("a", "stubborn"), stand.version("b")
    stand.first(old)
    stand.supervise()
    host = stand.host(supervisor_s=20)
    host.up(new, old, "")
    assert host.serves(new)


def test_what_does_not_ask_which_version_is_to_run_is_found(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.rollout.native._STRANGE_S", 0.2)
    new = stand.version("b")
    stand.folder.mkdir(parents=True)
    place = stand.version("c")
    stranger = subprocess.Popen(
        [sys.executable, "-P", "-m", "service"],
        env={"RAG_DATA_DIR": str(stand.data), "STAND_PORT": str(stand.port), "PYTHONPATH": place.place},
    )
    try:
        host = stand.host()
        wait_until(host.installation.serving, 20, "it runs")
        with pytest.raises(Failure, match="did not ask which version"):
            host._await_ready(new, 60.0)
    finally:
        stranger.kill()
        stranger.wait(10)


def test_between_stop_and_start_nothing_can_start(stand: Stand) -> None:
    old = stand.version("a")
    stand.first(old)
    stand.supervise()
    host = stand.host(supervisor_s=20)
    installation = host.installation
    installation.require_stoppable()
    assert installation.stop()
    with installation.store.exclusive():
        assert not host.serves(old)
    installation.start()
    assert host.serves(old)
    # As a restore does when it is given up in the middle.
    assert installation.stop()
    assert installation.stop()
    host.up(old, old, "")
    assert host.serves(old)


def test_the_first_deploy_finds_out_which_commit_runs(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    host = stand.host()
    monkeypatch.setattr("ops.rollout.native.provide", lambda *_: None)
    with pytest.raises(Failure, match="No service uses"):
        host.present()
    commit = Source(stand.root).commit("main")
    with DataFolder(stand.data):
        assert host.glance() == f"{commit[:12]}, from the checkout"
        found = host.present()
        assert (found.commit, Path(found.place).name) == (commit, commit[:12])
        (stand.root / "service" / "a.py").write_text("a = 2\n")
        with pytest.raises(Failure, match="could not be brought back") as failed:
            host.present()
        assert failed.value.lines == ("service/a.py",)
        assert stand.host(running="main").present().commit == commit


def test_a_version_is_prepared_and_seen_to_be_importable(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []
    monkeypatch.setattr("ops.rollout.native.provide", lambda *_: None)
    monkeypatch.setattr("ops.rollout.native.require_importable", lambda place, _: asked.append(place))
    version = stand.host().prepare("main")
    assert asked == [Path(version.place)]
    assert (asked[0] / "service" / "a.py").exists()
    shutil.rmtree(asked[0])
    assert stand.host().prepare("main") == version
    assert stand.host().tidy([version]) == []


def test_a_broken_pointer_is_told(stand: Stand) -> None:
    stand.folder.mkdir(parents=True)
    (stand.folder / "current.json").write_text("?")
    with pytest.raises(Failure, match="cannot be read"):
        stand.host().present()
    assert stand.host().last_words() == []
