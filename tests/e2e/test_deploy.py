"""Versions deployed to a real, supervised service: what is worse is taken back by itself, and nothing is lost."""

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from ops.rollout import pointer
from ops.stack.process import wait_until
from ops.stack.site import ROOT
from prometheus import regression
from prometheus.thresholds import of_environment
from tests.components.asking import Asking
from tests.components.deployed import Deployed
from tests.components.fixtures import require
from tests.components.hurried_rules import written
from tests.components.prometheus_api import PrometheusApi
from tests.components.versions import Versions

WITHIN_S = 60.0
OWN = {
    "file": ("own.md", b"# Own\n\nA wibbling is what only this document knows of, and it must stay.", "text/markdown")
}
LATER = {"file": ("later.md", b"# Later\n\nA wobbling is what came after the deploy.", "text/markdown")}
QUESTIONS = [f"What is {subject}?" for subject in ("a hedge", "a stop order", "slippage", "a margin call")]


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Versions:
    return Versions(tmp_path_factory.mktemp("repository") / "checkout")


@pytest.fixture(scope="module")
def shared(versions: Versions, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """A service with a document of its own, on which the version `main` was deployed."""
    with Deployed(tmp_path_factory.mktemp("deployed"), versions.folder) as running:
        assert running.service.client.post("/documents", files=OWN).status_code == 201
        yield running


@pytest.fixture
def deployed(shared: Deployed, versions: Versions) -> Iterator[Deployed]:
    """Every test leaves the version `main` running, and the document there."""
    if shared.journal():
        shared.run("deploy", "--abandon", "--prometheus", shared.prometheus)
    yield shared
    wait_until(shared.ready, WITHIN_S, "the service is ready")
    assert shared.service.ask("What is a wibbling?")["citations"][0]["source"] == "own.md"
    assert not shared.journal()
    assert shared.revision in ("", ROOT.name, versions.commit("main")[:12])
    assert [line for line in shared.said if "given up" in line] == []


def test_a_dry_run_tells_every_step_and_does_nothing(deployed: Deployed, versions: Versions) -> None:
    code, said = deployed.run("deploy", "fine", "--dry-run")
    assert code == 0, said
    assert versions.commit("fine")[:12] in said
    assert [f"{number}/8" in said for number in range(1, 9)] == [True] * 8
    assert not deployed.records.exists()
    assert not (deployed.data / "versions").exists()


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ("never-ready", "is not ready"),
        ("crashes", "this version cannot start"),
        ("fails", "was answered (generated), and is now"),
        ("slow", "times"),
    ],
)
def test_what_is_worse_is_taken_back_by_itself(
    deployed: Deployed, versions: Versions, version: str, reason: str, seen: Callable[[str], None]
) -> None:
    before = deployed.documents()
    began = time.monotonic()
    code, said = deployed.deploy(version, *(["--ready", "4"] if version == "never-ready" else []))
    assert code == 1, said
    assert reason in said
    assert f"{versions.commit('main')[:12]} runs, with its documents" in said
    assert deployed.revision == versions.commit("main")[:12]
    assert deployed.documents() == before
    last = deployed.log()[-1]
    assert (last["event"], last["new"]["commit"]) == ("rolled back", versions.commit(version))
    seen(f"  deploy of {version}: the old version again after {time.monotonic() - began:.0f} s: {last['verdict'][0]}")


def test_what_cannot_even_be_imported_never_touches_what_runs(deployed: Deployed, versions: Versions) -> None:
    with Asking(deployed.service.url, QUESTIONS) as asking:
        code, said = deployed.deploy("not-importable")
    assert code == 1
    assert "nothing_of_this_name" in said
    assert asking.failed == []
    assert deployed.log()[-1]["event"] == "not begun"


def test_what_is_as_good_is_kept_and_taken_back_in_one_command(
    deployed: Deployed, versions: Versions, seen: Callable[[str], None]
) -> None:
    before, usual = deployed.documents(), ("--per-s", "20", "--prometheus", deployed.prometheus)
    code, said = deployed.run("deploy", "fine", "--watch", "3s", *usual, "--note", "a note")
    assert code == 0, said
    assert deployed.revision == versions.commit("fine")[:12]
    page = deployed.service.client.get("/metrics").text
    assert f'revision="{versions.commit("fine")}"' in page
    assert f'service_version="{deployed.version}"' in page
    assert deployed.version.endswith(f"+{deployed.revision}")
    assert deployed.documents() == before
    kept = deployed.log()[-1]
    assert (kept["event"], kept["note"], bool(kept["who"])) == ("kept", "a note", True)

    again, said_again = deployed.deploy("fine")
    assert (again, "runs already" in said_again) == (1, True)
    code, told = deployed.run("rollback", "--dry-run")
    assert code == 0
    assert f"{versions.commit('fine')[:12]} -> {versions.commit('main')[:12]}" in told
    assert deployed.revision == versions.commit("fine")[:12]
    began = time.monotonic()
    code, said = deployed.run("rollback")
    assert code == 0, said
    assert deployed.revision == versions.commit("main")[:12]
    assert deployed.documents() == before
    seen(f"  rollback in {time.monotonic() - began:.0f} s")


def test_after_a_killed_deploy_a_version_on_trial_that_ends_gives_way_to_the_old_one(
    deployed: Deployed, versions: Versions
) -> None:
    process = deployed.begin("fine", "--watch", "60s")
    deployed.await_step("watch", process)
    second, told = deployed.deploy("slow")
    assert (second, f"process {process.pid} of" in told) == (1, True), told
    process.kill()
    process.communicate()

    code, told = deployed.deploy("slow")
    assert code == 1
    assert "--resume" in told
    assert deployed.revision == versions.commit("fine")[:12]
    trial = pointer.launched(deployed.records)
    assert trial is not None
    assert trial.trial
    os.kill(trial.pid, signal.SIGKILL)
    wait_until(lambda: deployed.revision == versions.commit("main")[:12], WITHIN_S, "the old version is started")
    wait_until(deployed.ready, WITHIN_S, "the old version is ready")
    code, said = deployed.run("deploy", "--resume", "--prometheus", deployed.prometheus)
    assert code == 1, said
    assert "did not run any more" in said


@pytest.mark.parametrize(("step", "then"), [("checkpoint", "--resume"), ("up", "--resume"), ("watch", "--abandon")])
def test_killed_at_any_step_it_ends_as_it_would_have(
    deployed: Deployed, versions: Versions, step: str, then: str
) -> None:
    process = deployed.begin("slow")
    deployed.await_step(step, process)
    process.kill()
    process.communicate()
    wait_until(deployed.ready, WITHIN_S, "some version is ready")
    code, said = deployed.run("deploy", then, *deployed.brief)
    assert code == (1 if then == "--resume" else 0), said
    assert deployed.revision == versions.commit("main")[:12]
    assert deployed.log()[-1]["event"] == "rolled back", said


def test_stopped_by_the_operator_it_goes_back(deployed: Deployed, versions: Versions) -> None:
    process = deployed.begin("fine", "--watch", "60s")
    deployed.await_step("watch", process)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=WITHIN_S)
    assert process.returncode == 130, said
    assert deployed.revision == versions.commit("main")[:12]


def schema(data: Path) -> int:
    with closing(sqlite3.connect(data / "corpus.sqlite3")) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


def test_a_newer_schema_is_taken_back_with_the_documents_of_before(
    deployed: Deployed, versions: Versions, tmp_path: Path
) -> None:
    newer, before = versions.checkout("newer-schema", tmp_path / "newer"), deployed.documents()
    code, said = deployed.deploy("newer-schema")
    assert code == 1
    assert "too new for this checkout" in said
    assert not deployed.journal()

    code, said = deployed.deploy("newer-schema", checkout=newer)
    assert code == 0, said
    assert schema(deployed.data) == 2
    assert deployed.service.client.post("/documents", files=LATER).status_code == 201
    code, said = deployed.deploy("fine", checkout=newer)
    assert code == 1
    assert "cannot read the documents" in said

    code, said = deployed.run("rollback", "--dry-run", checkout=newer)
    assert code == 0, said
    assert "documents: those of checkpoint deploy-" in said
    code, said = deployed.run("rollback", checkout=newer)
    assert code == 0, said
    assert schema(deployed.data) == 1
    assert deployed.documents() == before
    assert deployed.revision == versions.commit("main")[:12]
    kept = deployed.log()[-1]["checkpoint"]
    with closing(sqlite3.connect(deployed.data / "checkpoints" / kept / "store" / "corpus.sqlite3")) as db:
        assert db.execute("SELECT count(*) FROM documents WHERE source = 'later.md'").fetchone() == (1,)


def half_an_hour(model: str, data: Path) -> None:
    """What the rules would have recorded of a model that takes 50 ms, put into Prometheus' folder: waiting for it takes
    minutes."""
    mean, now = regression.mean_of(of_environment("development").regression.windows[0]).name, int(time.time())
    labels = f'{{deployment_environment_name="development",gen_ai_request_model="{model}"}}'
    lines = [f"{mean}{labels} {0.05 + 0.001 * (at % 7)} {at}" for at in range(now - 1800, now - 60, 15)]
    history = data.with_name("history.txt")
    history.write_text("\n".join([f"# TYPE {mean} gauge", *lines, "# EOF\n"]))
    write = [require("promtool"), "tsdb", "create-blocks-from", "openmetrics", history, data]
    subprocess.run([str(word) for word in write], check=True, capture_output=True, timeout=WITHIN_S)


def test_by_the_past_that_prometheus_knows(versions: Versions, tmp_path: Path, seen: Callable[[str], None]) -> None:
    require("prometheus")
    deployed = Deployed(tmp_path / "deployed", versions.folder, ("prometheus",), rules=written(tmp_path / "rules"))
    half_an_hour("llama3.2:3b", deployed.stack.site.folder / "prometheus" / "data")
    with deployed as here:
        prometheus = PrometheusApi(here.prometheus)
        with Asking(here.service.url, QUESTIONS, per_s=4, fresh_every=1):
            known = '{__name__=~"environment_model:rag_ask_duration_seconds:mean_2m:points_30m"} >= 20'
            wait_until(lambda: _found(prometheus, known), WITHIN_S, "there is a past")
            code, said = here.deploy("slow")
        assert code == 1, said
        assert "usual, by Prometheus" in said
        marks = prometheus.query("last_over_time(emini_rag_deploy[10m])")
        assert {one.labels["event"] for one in marks} == {"up", "rolled_back"}
        # Two deploys of one release are two versions; a model's past is that of both, or it would not have been known.
        of_each = prometheus.query("count by (service_version) (last_over_time(rag_ask_duration_seconds_count[10m]))")
        commits = {one.labels["service_version"].partition("+")[2] for one in of_each}
        assert versions.commit("slow")[:12] in commits
        assert len(commits) >= 2
        seen(f"  against Prometheus' past: {here.log()[-1]['verdict'][0]}")


def _found(prometheus: PrometheusApi, expression: str) -> bool:
    """Not while it is too busy to say."""
    try:
        return bool(prometheus.query(expression))
    except httpx.HTTPError:
        return False
