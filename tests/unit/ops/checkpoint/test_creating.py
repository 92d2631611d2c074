"""A checkpoint is made whole, of what it says, or not at all."""

import json
import subprocess
from pathlib import Path

import pytest

from ops.checkpoint.creating import Wish
from ops.checkpoint.inspection import inspect_a_clone
from ops.checkpoint.looking import Findings
from ops.checkpoint.manifest import Manifest, faults
from service.cli.client import ServiceClient
from service.cli.failures import Failure
from tests.fakes.http_service import listening
from tests.fakes.services import FakeServices
from tests.fakes.stub_server import Stub
from tests.unit.ops.checkpoint.stand import DOCUMENTS, Stand


def test_of_a_service_that_does_not_run(empty_handed: Stand) -> None:
    (empty_handed.data / "models.json").write_text('{"llama3.2:3b": "sha256:aa"}')
    made = empty_handed.create("first", note="before tuning", questions=["Sentence 0"])
    path = empty_handed.path()
    assert Manifest.read(path) == made
    assert faults(path, made) == []
    assert (made.note, made.environment, made.code) == ("before tuning", "development", None)
    assert made.models == {"llama3.2:3b": "sha256:aa"}
    assert (made.corpus["documents"], made.corpus["vectors"]) == (DOCUMENTS, made.corpus["chunks"])
    assert made.corpus["found_themselves"] == made.corpus["looked_for"] > 0
    assert made.corpus["known_answers"] == 21
    assert {"copy", "check", "hash", "total"} <= set(made.durations_s)
    assert "pause" not in made.durations_s
    assert json.loads((path / "configuration.json").read_text())["settings"] == {"retrieval.top_k": 5}
    assert "not copied" in made.cache
    assert all(path.stat().st_mode & 0o077 == 0 for path in path.rglob("*"))


class Live(FakeServices):
    """A service that says that it holds the documents of a stand."""

    def __init__(self, stand: Stand) -> None:
        super().__init__()
        status = (stand.data / "corpus.sqlite3").stat()
        self.write_gate.store = f"{status.st_dev}:{status.st_ino}"  # type: ignore[misc]


def test_of_a_service_that_runs(empty_handed: Stand) -> None:
    fakes = Live(empty_handed)
    with listening(fakes) as url, ServiceClient(url) as empty_handed.client, empty_handed.native().store.exclusive():
        made = empty_handed.create("first", hold_s=33.0)
    assert fakes.write_gate.calls == [(60.0, 33.0)]
    assert fakes.write_gate.holding == ""
    assert (made.durations_s["pause"], made.durations_s["drain"]) == (1.5, 0.25)


def test_the_wrong_service_is_not_believed(empty_handed: Stand) -> None:
    fakes = FakeServices()
    with (
        listening(fakes) as url,
        ServiceClient(url) as empty_handed.client,
        empty_handed.native().store.exclusive(),
        pytest.raises(Failure, match="wrong service"),
    ):
        empty_handed.create("first")
    assert (fakes.write_gate.holding, empty_handed.archive.names()) == ("", [])


def test_an_index_that_is_not_good_makes_no_checkpoint(empty_handed: Stand) -> None:
    for path in (empty_handed.data / "chroma").rglob("header.bin"):
        path.write_bytes(b"")
    with pytest.raises(Failure, match="no checkpoint"):
        empty_handed.create("first")
    assert empty_handed.archive.names() == []


def test_nothing_to_keep(tmp_path: Path) -> None:
    stand = Stand(tmp_path)
    with pytest.raises(Failure, match="There are no documents"):
        stand.create("first")
    stand.client.__exit__()


def test_git_is_recorded_tagged_and_otherwise_left_alone(empty_handed: Stand) -> None:
    def git(*words: str) -> str:
        identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        command = ["git", *identity, *words]
        return subprocess.run(
            command, cwd=empty_handed.repository, capture_output=True, text=True, check=True
        ).stdout.strip()

    git("init", "--quiet")
    (empty_handed.repository / "a.py").write_text("x = 1\n")
    git("add", ".")
    git("commit", "--quiet", "--message=first")
    (empty_handed.repository / "a.py").write_text("x = 2\n")
    with pytest.raises(Failure, match="Files differ from the commit"):
        empty_handed.create("refused", clean=True)
    made = empty_handed.create("first")
    assert made.code is not None
    assert (made.code["commit"], made.code["changed"]) == (git("rev-parse", "HEAD"), ["a.py"])
    assert "+x = 2" in (empty_handed.path() / "code.patch").read_text()
    assert git("tag") == "checkpoint/first"
    assert git("status", "--porcelain") == "M a.py"
    empty_handed.create("second", tag=False)
    assert git("tag") == "checkpoint/first"


def test_a_prometheus_that_makes_no_snapshots_says_what_to_do(empty_handed: Stand) -> None:
    (empty_handed.data / "stack" / "prometheus" / "data").mkdir(parents=True)
    with Stub() as prometheus:
        prometheus.content = b'{"status":"success","data":{"web.enable-admin-api":"false"}}'
        with pytest.raises(Failure, match="makes no snapshots") as caught:
            empty_handed.create("first", prometheus=prometheus.url)
    assert "PROMETHEUS_ADMIN_API=--web.enable-admin-api" in caught.value.todo
    assert "copying" not in empty_handed.said.getvalue()
    assert empty_handed.archive.names() == []


def test_a_snapshot_of_prometheus_is_a_part(empty_handed: Stand) -> None:
    snapshot = empty_handed.data / "stack" / "prometheus" / "data" / "snapshots" / "s1"
    snapshot.mkdir(parents=True)
    (snapshot / "index").write_text("series")
    with Stub() as prometheus:
        prometheus.content = b'{"status":"success","data":{"name":"s1"}}'
        made = empty_handed.create("first", prometheus=prometheus.url)
    assert "prometheus/index" in made.files


def test_a_name_that_is_none_is_refused_first(empty_handed: Stand) -> None:
    with pytest.raises(Failure, match="no name"), empty_handed.archive.changing():
        empty_handed.making().create(Wish("../x"))


def test_documents_of_an_older_schema_stay_so_in_the_copy(empty_handed: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """A newer version makes a checkpoint before it replaces an older one, which must be able to read it."""
    monkeypatch.setattr("ops.checkpoint.creating.SCHEMA_VERSION", 99)
    cloned: list[Path] = []

    def clone(store: Path, answers: dict[str, object], beside: Path) -> Findings:
        cloned.append(store)
        return inspect_a_clone(store, answers, beside)

    monkeypatch.setattr("ops.checkpoint.creating.inspect_a_clone", clone)
    made = empty_handed.create("first")
    assert len(cloned) == 1
    assert faults(empty_handed.path(), made) == []
    assert made.corpus["found_themselves"] == made.corpus["looked_for"] > 0
