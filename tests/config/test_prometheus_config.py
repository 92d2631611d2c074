"""The shipped configuration of Prometheus as the native stack prepares it and as Compose mounts it."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.stack import plans, scraping
from ops.stack.part import Plan
from ops.stack.ports import PRODUCTION, Ports
from ops.stack.site import ROOT, Site
from service.telemetry.catalogue import CONSTANT_LABELS, METRICS, SERIES_BUDGET, SERIES_PER_FURTHER_MODEL
from service.telemetry.metric import Kind
from tests.components.fixtures import require

SHIPPED = ROOT / "prometheus"
ENVIRONMENT = next(iter(CONSTANT_LABELS))
COMPOSE = {"production": "docker-compose.yml", "development": "docker-compose.dev.yml"}
# What the parts listen on inside their containers.
CONTAINER_PORTS = {
    "rag-service": PRODUCTION.service_metrics,
    "collector": PRODUCTION.collector_metrics,
    "prometheus": PRODUCTION.prometheus,
    "alertmanager": PRODUCTION.alertmanager,
    "tempo": PRODUCTION.tempo,
    "grafana": 3000,
    "dcgm-exporter": 9400,
}
FURTHER_MODELS = 16
TOOL_S = 30


def _config() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((SHIPPED / "prometheus.yml").read_text(encoding="utf-8"))
    return content


def _job(name: str) -> dict[str, Any]:
    (found,) = (job for job in _config()["scrape_configs"] if job["job_name"] == name)
    return dict(found)


def _targets(environment: str, name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load((SHIPPED / "targets" / environment / name).read_text(encoding="utf-8")))


def _check(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(require("promtool")), "check", "config", "--lint=all", "--lint-fatal", str(folder / "prometheus.yml")],
        env=os.environ | {"ALERT_RECEIVERS": "webhook", "GRAFANA_URL": "http://grafana", "RUNBOOK_URL": "runbook"},
        capture_output=True,
        text=True,
        timeout=TOOL_S,
        check=False,
    )


def _as_compose_mounts_it(folder: Path, environment: str) -> Path:
    folder.mkdir(exist_ok=True)
    shutil.copy(SHIPPED / "prometheus.yml", folder)
    shutil.copytree(SHIPPED / "rules" / environment, folder / "rules")
    shutil.copytree(SHIPPED / "targets" / environment, folder / "targets")
    return folder


def _as_the_stack_prepares_it(folder: Path) -> Path:
    site = Site(folder, Ports.free(), "production", folder, folder, folder, {})
    program = Path("/bin/true")
    made: list[Plan] = [make(site, program) for make in plans.FOUND.values()]
    scraping.prepare(
        site, [*made, plans.collector(site, program, has_tempo=True), plans.service(site, beside={"otelcol"})]
    )
    return folder / "prometheus"


@pytest.mark.real
@pytest.mark.parametrize("environment", COMPOSE)
def test_promtool_accepts_what_compose_mounts(environment: str, tmp_path: Path) -> None:
    run = _check(_as_compose_mounts_it(tmp_path, environment))
    # A file of targets that is missing would be a warning only.
    assert (run.returncode, "WARNING" in run.stdout, run.stderr) == (0, False, ""), run.stdout + run.stderr


@pytest.mark.real
def test_promtool_accepts_what_the_native_stack_prepares(tmp_path: Path) -> None:
    run = _check(_as_the_stack_prepares_it(tmp_path))
    assert (run.returncode, "WARNING" in run.stdout, run.stderr) == (0, False, ""), run.stdout + run.stderr


@pytest.mark.real
@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [
        ("prometheus.yml", "label_limit: 30", "label_limits: 30"),
        ("prometheus.yml", "scrape_timeout: 10s", "scrape_timeout: 20s"),
        ("prometheus.yml", "size: 8GB", "size: 8 gigabytes"),
        ("prometheus.yml", "files: [targets/service.yml]", "files: [targets/service.txt]"),
        ("targets/stack.yml", "targets: [collector:8888]", "target: [collector:8888]"),
        ("targets/service.yml", "labels: {", "labels: [{"),
    ],
)
def test_a_mistake_in_them_is_refused(file: str, right: str, wrong: str, tmp_path: Path) -> None:
    folder = _as_compose_mounts_it(tmp_path, "production")
    text = (folder / file).read_text(encoding="utf-8")
    assert right in text
    (folder / file).write_text(text.replace(right, wrong, 1), encoding="utf-8")
    assert _check(folder).returncode != 0


@pytest.mark.parametrize("environment", COMPOSE)
def test_every_target_is_a_container_at_the_port_where_it_listens(environment: str) -> None:
    services = yaml.safe_load((ROOT / COMPOSE[environment]).read_text(encoding="utf-8"))["services"]
    roles = {name.removesuffix("-dev") for name in services}
    scraped: dict[str, int] = {}
    for file in ("service.yml", "stack.yml", "gpu.yml"):
        for group in _targets(environment, file):
            assert group["labels"][ENVIRONMENT] == environment
            assert ("job" in group["labels"]) == (file != "service.yml")
            scraped |= {host: int(port) for host, port in (target.split(":") for target in group["targets"])}
    expected = {role: port for role, port in CONTAINER_PORTS.items() if role in roles}
    assert scraped == expected
    assert _targets(environment, "alertmanagers.yml") == [{"targets": [f"alertmanager:{PRODUCTION.alertmanager}"]}]


@pytest.mark.parametrize("environment", COMPOSE)
def test_jobs_have_the_names_that_the_native_stack_gives_them(environment: str, tmp_path: Path) -> None:
    native = yaml.safe_load((_as_the_stack_prepares_it(tmp_path) / "targets" / "stack.yml").read_text())
    names = {group["labels"]["job"] for group in native}
    assert {group["labels"]["job"] for group in _targets(environment, "stack.yml")} == names


def test_both_environments_have_the_same_files() -> None:
    production, development = (
        {path.name for path in (SHIPPED / "targets" / environment).iterdir()} for environment in COMPOSE
    )
    named = {
        Path(file).name
        for job in [*_config()["scrape_configs"], *_config()["alerting"]["alertmanagers"]]
        for source in job["file_sd_configs"]
        for file in source["files"]
    }
    assert production == development == named


def test_the_guards_are_above_what_a_service_can_expose() -> None:
    job = _job("emini-rag")
    assert job["sample_limit"] > SERIES_BUDGET + FURTHER_MODELS * SERIES_PER_FURTHER_MODEL
    # Prometheus counts its own too: the name, job, instance, and those of a bucket and of our constant labels.
    most = max(len(metric.labels) + (metric.kind is Kind.HISTOGRAM) for metric in METRICS)
    assert job["label_limit"] >= most + len(CONSTANT_LABELS) + 3
    longest = max(len(name) for metric in METRICS for name in (*metric.label_names, metric.name))
    assert job["label_name_length_limit"] >= longest


def test_every_job_has_every_guard() -> None:
    guards = {
        "sample_limit",
        "label_limit",
        "label_name_length_limit",
        "label_value_length_limit",
        "body_size_limit",
    }
    for job in _config()["scrape_configs"]:
        assert guards <= set(job)


def test_only_the_service_says_itself_where_it_is() -> None:
    assert {job["job_name"]: job.get("honor_labels", False) for job in _config()["scrape_configs"]} == {
        "emini-rag": True,
        "stack": False,
    }


def test_no_address_is_in_the_file() -> None:
    assert {key for job in _config()["scrape_configs"] for key in job if key.endswith("_configs")} == {
        "file_sd_configs"
    }


@pytest.mark.parametrize("environment", COMPOSE)
def test_compose_mounts_the_targets_of_its_environment_and_sets_the_flags(environment: str) -> None:
    services = yaml.safe_load((ROOT / COMPOSE[environment]).read_text(encoding="utf-8"))["services"]
    body = services["prometheus" if environment == "production" else "prometheus-dev"]
    binds = {one["target"]: one["source"] for one in body["volumes"] if isinstance(one, dict)}
    assert binds["/etc/prometheus/targets"] == f"./prometheus/targets/{environment}"
    assert binds["/etc/prometheus/rules"] == f"./prometheus/rules/{environment}"
    assert "/etc/prometheus/prometheus.yml" in binds
    assert {"--web.enable-remote-write-receiver", "--enable-feature=exemplar-storage"} <= set(body["command"])
    service = services["rag-service" if environment == "production" else "rag-service-dev"]
    for one in (body, service):
        assert one["environment"]["ALERT_RECEIVERS"] == "${ALERT_RECEIVERS:-}"
    assert f"localhost:{3001 if environment == 'production' else 3003}" in body["environment"]["GRAFANA_URL"]
    port = 9090 if environment == "production" else 9092
    assert body["environment"]["RUNBOOK_URL"] == f"${{RUNBOOK_URL:-http://localhost:{port}/user/runbook.html}}"
    assert "--web.user-assets=/etc/prometheus/user" in body["command"]
    assert binds["/etc/prometheus/user"] == "./prometheus/user"
    assert (SHIPPED / "user" / "runbook.html").is_file()
