"""The files of rules: written, compared, taken by promtool, and named as is usual."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from prometheus.__main__ import ENVIRONMENTS, FOLDER, main
from prometheus.thresholds import OVERLAYS
from service.telemetry.catalogue import METRICS
from tests.components.fixtures import require

# level:metric:operation, and a past of it: level:metric:operation:statistic_baseline.
NAME = re.compile(r"(?P<level>[a-z]+(?:_[a-z]+)*):(?P<metric>[a-z_]+):[a-z]+(?:_[a-z0-9]+)*(?::[a-z]+_\d+[smhd])?")


@pytest.fixture
def written(tmp_path: Path) -> Path:
    assert main([], tmp_path) == 0
    return tmp_path


def test_what_is_committed_is_what_the_code_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0, capsys.readouterr().out


def test_check_is_silent_when_all_is_well(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["--check"], written) == 0
    assert capsys.readouterr().out == ""


def test_check_names_what_differs_and_writes_nothing(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed, old, missing = (written / "production" / name for name in ("regression.yml", "old.yml", "parts.yml"))
    changed.write_text("groups: []\n")
    old.write_text("groups: []\n")
    missing.unlink()
    capsys.readouterr()
    assert main(["--check"], written) == 1
    said = capsys.readouterr().out.splitlines()
    assert [Path(line.split()[0]).name for line in said] == [old.name, missing.name, changed.name]
    assert all("make rules" in line for line in said)
    assert changed.read_text() == "groups: []\n"
    assert not missing.exists()


def test_writing_again_brings_back_what_was_changed_and_removes_what_is_not_made(written: Path) -> None:
    (written / "production" / "regression.yml").write_text("groups: []\n")
    (written / "development" / "old.yml").write_text("groups: []\n")
    assert main([], written) == 0
    assert main(["--check"], written) == 0
    assert not (written / "development" / "old.yml").exists()


def test_senseless_bounds_are_an_error_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    overlay = tmp_path / "overlay.toml"
    overlay.write_text("[slo]\ntarget = 0.9\n")
    monkeypatch.setitem(OVERLAYS, "development", overlay)
    assert main(["--check"], tmp_path / "rules") == 2
    assert "never in time" in capsys.readouterr().out
    assert not (tmp_path / "rules").exists()


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_promtool_has_nothing_to_say_against_them(environment: str) -> None:
    files = [str(path) for path in sorted((FOLDER / environment).glob("*.yml"))]
    assert files
    done = subprocess.run(
        [str(require("promtool")), "check", "rules", "--lint=all", "--lint-fatal", *files],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_recording_rules_are_named_by_level_metric_and_operation(environment: str) -> None:
    metrics = {name for metric in METRICS for name in (metric.name, metric.name + "_total")}
    names = [
        rule["record"]
        for path in (FOLDER / environment).glob("*.yml")
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
        if "record" in rule
    ]
    assert names
    for name in names:
        found = NAME.fullmatch(name)
        assert found, name
        assert found["metric"] in metrics, name
    assert len(names) == len(set(names))
