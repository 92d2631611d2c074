"""`emini-rag compare` between real services: processes that answer over HTTP, one of them slowed, one made to answer
otherwise, one killed; and over what a real Prometheus has recorded."""

import json
import math
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from ops.compare.files import HTML, MARKDOWN, PAIRS, RESULT
from ops.stack.process import Process, answers, free_port, wait_until
from service.telemetry import catalogue
from tests.bench.compare_real import OTHER, SLOW, TIER, TWIN, Instances, paced, tier_median_s
from tests.components.fixtures import require
from tests.components.service import ROOT, RunningService

WITHIN_S = 120.0
QUESTIONS = ["What is a hedge?", "Define VWAP", "What is drawdown?", "What is slippage?"]


@pytest.fixture(scope="module")
def instances(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instances]:
    with paced(tmp_path_factory.mktemp("compare")) as running:
        yield running


@pytest.fixture
def queries(tmp_path: Path) -> Path:
    path = tmp_path / "mine.txt"
    path.write_text("\n".join(QUESTIONS))
    return path


@dataclass(frozen=True)
class Command:
    """The command as typed: `out` is its folder."""

    instances: Instances
    out: Path

    def start(self, candidate: str, *more: str) -> "subprocess.Popen[str]":
        urls = ["--baseline", self.instances.baseline.url, "--candidate", candidate]
        environment = {"PATH": "", "HOME": str(self.out.parent), "PYTHONPATH": str(ROOT), "ENVIRONMENT": "development"}
        return subprocess.Popen(
            [sys.executable, "-m", "service.cli.main", "compare", *urls, "--out", str(self.out), "--rate", "50", *more],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.out.parent,
            env=environment,
        )

    def run(self, candidate: str, *more: str) -> tuple[int, str, str]:
        running = self.start(candidate, *more)
        out, err = running.communicate(timeout=WITHIN_S)
        return running.returncode, out, err

    def pairs(self) -> list[dict[str, Any]]:
        path = self.out / PAIRS
        # The last line may be half written while the command runs.
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        return [json.loads(line) for line in lines if line.endswith("\n")]


@pytest.fixture
def command(instances: Instances, tmp_path: Path) -> Command:
    return Command(instances, tmp_path / "out")


def cached(service: RunningService) -> int:
    return int(service.client.get("/monitoring/cache").json()["cache_size"])


def told(instances: Instances, candidate: str, verdict: str, *more: str) -> dict[str, Any]:
    """A comparison with this verdict, or a second one: by design one of twenty is wrong, and a busy machine can take an
    instance its embedder for a while. How often it is right is counted by `make compare-quality`."""
    result = instances.compare(candidate, 1, *more)
    return result if result["judgement"]["verdict"] == verdict else instances.compare(candidate, 2, *more)


def test_two_alike_a_slowed_one_and_one_that_answers_otherwise(instances: Instances) -> None:
    twin = told(instances, TWIN, "no evidence")
    assert (twin["judgement"]["verdict"], twin["exit_code"]) == ("no evidence", 0)
    assert [tier["n"] for tier in twin["findings"]["tiers"]] == [40, 40, 40, 40, 160]
    assert cached(instances.baseline) == 0

    # Twice as slow, which half the questions show surely.
    instances.slow_down(tier_median_s(twin), 1.0)
    slowed = told(instances, SLOW, "slower", "--rounds", "2")
    assert (slowed["judgement"]["verdict"], slowed["exit_code"]) == ("slower", 10)
    assert TIER in slowed["judgement"]["slower"]
    stages = [one for one in slowed["findings"]["stages"] if one["tier"] == TIER]
    longer = max(stages, key=lambda one: float(one["candidate_s"] - one["baseline_s"]))
    assert longer["stage"] == "generate"

    other = told(instances, OTHER, "different answers", "--rounds", "2")
    assert (other["judgement"]["verdict"], other["exit_code"]) == ("different answers", 11)
    assert "texts" in other["judgement"]["different"]


def test_a_few_questions_give_a_report_that_needs_nothing_else(
    instances: Instances, command: Command, queries: Path
) -> None:
    # A floor that noise does not reach.
    options = ("--queries", str(queries), "--seed", "5", "--askers", "4", "--floor", "1")
    code, out, err = command.run(instances.candidates[TWIN].url, *options)
    assert (code, out.splitlines()[0]) == (0, "no evidence"), err
    assert "4 questions of mine.txt" in err
    assert {path.name for path in command.out.iterdir()} == {HTML, MARKDOWN, PAIRS, RESULT}
    page = (command.out / HTML).read_text()
    assert "<script" not in page
    assert page.count("<svg") >= 2
    found = command.pairs()
    assert len(found) == 16
    assert {one["cache"] for pair in found for one in (pair["baseline"], pair["candidate"])} == {"bypass"}
    assert all(sum(pair["baseline"]["stages"].values()) <= pair["baseline"]["seconds"] for pair in found)


def test_caches_are_used_when_they_may(instances: Instances, command: Command, queries: Path) -> None:
    code, _, err = command.run(instances.candidates[TWIN].url, "--queries", str(queries), "--cache")
    assert code == 0, err
    later = [pair for pair in command.pairs() if pair["round"] > 0]
    assert {one["cache"] for pair in later for one in (pair["baseline"], pair["candidate"])} == {"hit"}
    for service in (instances.baseline, instances.candidates[TWIN]):
        assert service.client.delete("/monitoring/cache").status_code == 200


def test_the_past_cannot_be_asked_again_where_it_was_not_kept(instances: Instances, command: Command) -> None:
    instances.baseline.ask("What is a hedge?", cache={"no-store": True})
    code, _, err = command.run(instances.candidates[TWIN].url, "--replay", "24h")
    assert code == 1
    assert "has not kept what it was asked" in err
    assert "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT" in err
    assert not command.out.exists()


def test_ctrl_c_keeps_what_was_measured(instances: Instances, command: Command) -> None:
    running = command.start(instances.candidates[TWIN].url, "--warm-up", "0")
    wait_until(lambda: len(command.pairs()) >= 5, WITHIN_S, "some pairs are measured")
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=WITHIN_S)
    assert running.returncode == 130, err
    assert "Stopped by the user after " in out
    assert len(json.loads((command.out / RESULT).read_text())["judgement"]["p"]) > 0
    assert (command.out / HTML).exists()


def test_a_candidate_that_is_killed_is_told_with_what_was_measured(
    instances: Instances, command: Command, tmp_path: Path
) -> None:
    settings = {"RAG_OLLAMA__URL": "scripted:", "RAG_EMBEDDING__MODEL": "", "ENVIRONMENT": "development"}
    with RunningService(tmp_path / "doomed", settings) as doomed:
        running = command.start(doomed.url, "--warm-up", "0")
        wait_until(lambda: len(command.pairs()) >= 5, WITHIN_S, "some pairs are measured")
        doomed.kill()
        out, err = running.communicate(timeout=WITHIN_S)
    assert running.returncode == 3, err
    assert f"The candidate at {doomed.url} went away after " in out
    assert len(command.pairs()) >= 5
    assert (command.out / HTML).exists()


def test_production_is_not_hammered(instances: Instances, command: Command, tmp_path: Path, queries: Path) -> None:
    with RunningService(tmp_path / "production", {"ENVIRONMENT": "production"}) as production:
        code, _, err = command.run(production.url, "--queries", str(queries))
        assert (code, "would be asked too fast" in err) == (2, True)
        counted = production.value(f"{catalogue.ASK_DURATION.name}_count")
        assert counted == 0


# What Prometheus has recorded: two hours of two environments, written as the service's page shows it.
HOURS_S = 7200
EVERY_S = 15


# Two deploys of one release.
VERSIONS = {"production": "0.1.0+4ea9180af9e4", "development": "0.1.0+1a6601db6573"}


def history(slower: float) -> str:
    """As OpenMetrics with stamps: answers of two tiers, every few seconds; in development one takes longer."""
    name, end = catalogue.ASK_DURATION.name, int(time.time()) - 60
    ats = range(end - HOURS_S, end, EVERY_S)
    bounds = (*catalogue.L, math.inf)
    lines = [f"# TYPE {name} histogram"]
    for environment in ("production", "development"):
        for tier, usual_s in (("simple", 1.0), ("complex", 4.0)):
            rng = np.random.default_rng(len(environment) * len(tier))
            slow = slower if (environment, tier) == ("development", "complex") else 1.0
            labels = (
                f'job="emini-rag",deployment_environment_name="{environment}",service_version="{VERSIONS[environment]}",'
                f'tier="{tier}"'
            )
            labels += ',cache="miss",outcome="ok",start="warm",gen_ai_request_model="m"'
            times = slow * usual_s * rng.lognormal(0, 0.3, (len(ats), 3))
            counts = np.cumsum([[int((row <= bound).sum()) for bound in bounds] for row in times], axis=0)
            sums = np.cumsum(times.sum(axis=1))
            for column, bound in enumerate(bounds):
                le = "+Inf" if bound == math.inf else repr(float(bound))
                lines += [
                    f'{name}_bucket{{{labels},le="{le}"}} {count} {at}'
                    for at, count in zip(ats, counts[:, column], strict=True)
                ]
            lines += [f"{name}_count{{{labels}}} {count} {at}" for at, count in zip(ats, counts[:, -1], strict=True)]
            lines += [f"{name}_sum{{{labels}}} {total:.6f} {at}" for at, total in zip(ats, sums, strict=True)]
    return "\n".join([*lines, "# EOF\n"])


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp("prometheus"), free_port()
    (folder / "history.txt").write_text(history(1.4))
    (folder / "prometheus.yml").write_text("global: {}\n")
    write = [require("promtool"), "tsdb", "create-blocks-from", "openmetrics", folder / "history.txt", folder / "data"]
    subprocess.run([str(word) for word in write], check=True, capture_output=True, timeout=WITHIN_S)
    url = f"http://127.0.0.1:{port}"
    options = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    command = [require("prometheus"), *options, f"--web.listen-address=127.0.0.1:{port}"]
    process = Process(command, {}, folder, folder / "prometheus.log")
    process.start(lambda: answers(f"{url}/-/ready"), WITHIN_S)
    try:
        yield url
    finally:
        process.stop()


@pytest.mark.real
def test_recorded_answers_are_compared_without_asking(prometheus: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "service.cli.main", "compare", "--from-metrics", prometheus, "--window", "1h"]
    old, new = VERSIONS.values()
    which = ["--baseline", f"version={old}", "--candidate", f"version={new}"]
    environment = {"PATH": "", "HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "ENVIRONMENT": "development"}

    def run(*more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*command, *more],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment,
            timeout=WITHIN_S,
            check=False,
        )

    told = run(*which, "--json", "--out", "one")
    assert told.returncode == 10, told.stderr
    result = json.loads(told.stdout)
    assert result["judgement"]["changed"] == {"complex": "slower"}
    tiers = {one["tier"]: one for one in result["tiers"]}
    assert tiers["complex"]["typical"]["value"] == pytest.approx(1.4, abs=0.1)
    assert tiers["simple"]["typical"]["value"] == pytest.approx(1.0, abs=0.08)
    # The last minute is not there, so one block may have fewer answers.
    expected = 3600 / EVERY_S * 3
    assert tiers["simple"]["answers"] == pytest.approx((expected, expected), rel=0.06)
    assert tiers["complex"]["means_s"][0] == pytest.approx(4.0 * math.exp(0.3**2 / 2), rel=0.06)
    assert result["totals"]["baseline"]["asked"] == pytest.approx(2 * expected, rel=0.06)

    same = run("--baseline", "environment=production", "--candidate", "environment=production", "--out", "two")
    assert (same.returncode, same.stdout.splitlines()[0]) == (0, "no evidence"), same.stderr
    unknown = run("--baseline", "environment=production", "--candidate", "version=9", "--out", "three")
    assert unknown.returncode == 1
    assert f"it knows environment=production,version={old}" in unknown.stderr
    assert httpx.get(f"{prometheus}/-/healthy", trust_env=False).status_code == 200
