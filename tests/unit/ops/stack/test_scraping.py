"""Prometheus' folder: the shipped files, and the targets of what runs."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.stack import plans, scraping
from ops.stack.part import Plan
from ops.stack.site import ROOT, Site
from tests.unit.ops.stack.samples import site

PROGRAM = Path("/somewhere/bin/program")


def every_plan(here: Site) -> list[Plan]:
    return [
        *(make(here, PROGRAM) for make in plans.FOUND.values()),
        plans.collector(here, PROGRAM, has_tempo=True),
        plans.service(here, beside={"otelcol"}),
    ]


def targets(here: Site, name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load((here.folder / "prometheus" / "targets" / name).read_text()))


def test_every_part_with_metrics_is_scraped_under_its_name(tmp_path: Path) -> None:
    here = site(tmp_path, environment="development")
    scraping.prepare(here, every_plan(here))
    ports = here.ports
    assert {group["labels"]["job"]: group["targets"] for group in targets(here, "stack.yml")} == {
        "prometheus": [f"127.0.0.1:{ports.prometheus}"],
        "alertmanager": [f"127.0.0.1:{ports.alertmanager}"],
        "tempo": [f"127.0.0.1:{ports.tempo}"],
        "grafana": [f"127.0.0.1:{ports.grafana}"],
        "otelcol": [f"127.0.0.1:{ports.collector_metrics}"],
    }
    assert targets(here, "service.yml") == [
        {
            "targets": [f"127.0.0.1:{ports.service_metrics}"],
            "labels": {"deployment_environment_name": "development"},
        }
    ]
    for group in targets(here, "stack.yml"):
        assert group["labels"]["deployment_environment_name"] == "development"
    assert targets(here, "gpu.yml") == []
    assert targets(here, "alertmanagers.yml") == [{"targets": [f"127.0.0.1:{ports.alertmanager}"]}]


def test_what_does_not_run_is_not_a_target(tmp_path: Path) -> None:
    here = site(tmp_path)
    scraping.prepare(here, every_plan(here))
    scraping.prepare(here, [plans.prometheus(here, PROGRAM), plans.service(here)])
    assert [group["labels"]["job"] for group in targets(here, "stack.yml")] == ["prometheus"]
    assert targets(here, "alertmanagers.yml") == []


def test_every_target_file_that_the_configuration_reads_is_written(tmp_path: Path) -> None:
    here = site(tmp_path)
    scraping.prepare(here, every_plan(here))
    read = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text())
    groups = [*read["scrape_configs"], *read["alerting"]["alertmanagers"]]
    files = {file for one in groups for sd in one["file_sd_configs"] for file in sd["files"]}
    folder = here.folder / "prometheus"
    assert files == {f"targets/{path.name}" for path in (folder / "targets").iterdir()}


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.glob("*.yml")}


@pytest.mark.parametrize(
    ("environment", "rules_of"),
    [("production", "production"), ("development", "development"), ("staging", "production")],
)
def test_the_configuration_and_the_rules_are_the_shipped_ones(environment: str, rules_of: str, tmp_path: Path) -> None:
    here = site(tmp_path, environment=environment)
    rules = here.folder / "prometheus" / "rules"
    rules.mkdir(parents=True)
    (rules / "of_an_older_version.yml").touch()
    scraping.prepare(here, [])
    shipped = ROOT / "prometheus"
    assert (here.folder / "prometheus" / "prometheus.yml").read_text() == (shipped / "prometheus.yml").read_text()
    assert texts(rules) == texts(shipped / "rules" / rules_of)
    assert len(texts(rules)) > 1


def test_a_folder_of_rules_may_be_named(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "test.yml").write_text("groups: []")
    here = site(tmp_path, rules=tmp_path / "own")
    scraping.prepare(here, [])
    assert texts(here.folder / "prometheus" / "rules") == {"test.yml": "groups: []"}


def test_another_interval_replaces_all_three_times(tmp_path: Path) -> None:
    here = site(tmp_path, scrape_interval="1s")
    scraping.prepare(here, [])
    times = yaml.safe_load((here.folder / "prometheus" / "prometheus.yml").read_text())["global"]
    assert {name: times[name] for name in ("scrape_interval", "evaluation_interval", "scrape_timeout")} == {
        "scrape_interval": "1s",
        "evaluation_interval": "1s",
        "scrape_timeout": "1s",
    }


def test_files_are_replaced_whole(tmp_path: Path) -> None:
    here = site(tmp_path)
    scraping.prepare(here, every_plan(here))
    file = here.folder / "prometheus" / "targets" / "stack.yml"
    with file.open() as reader:
        scraping.prepare(here, [])
        # Whoever has opened it before reads all of the old one.
        assert len(json.load(reader)) == 5
    assert targets(here, "stack.yml") == []
    assert not list(here.folder.rglob("*.new"))


def test_a_checkout_without_its_configuration_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        scraping.prepare(site(tmp_path), [], shipped=tmp_path / "nothing")
