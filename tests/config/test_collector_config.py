"""The shipped configuration of the Collector as it is written, and what `otelcol validate` says about it."""

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.stack import plans
from ops.stack.ports import DEVELOPMENT, PRODUCTION, Ports
from ops.stack.site import ROOT, Site
from service.ask.types import Outcome
from service.settings import Settings
from service.telemetry.catalogue import Attribute
from tests.components.fixtures import require
from tests.components.shipped_collector import BASE, EVERY_METRIC, SAMPLING, TO_FILE

# The Collector's own way to write a variable, with its default.
VARIABLE = re.compile(r"\$\{env:(\w+):-([^}]*)\}")
BASE_VARIABLES = {
    "OTLP_GRPC_ENDPOINT",
    "OTLP_HTTP_ENDPOINT",
    "COLLECTOR_METRICS_HOST",
    "COLLECTOR_METRICS_PORT",
    "COLLECTOR_HEALTH_ENDPOINT",
    "COLLECTOR_QUEUE_DIR",
    "COLLECTOR_MEMORY_MIB",
    "COLLECTOR_LOG_LEVEL",
    "TEMPO_OTLP_URL",
}
VARIABLES = {
    BASE: BASE_VARIABLES,
    SAMPLING: {"SAMPLING_DECISION_WAIT", "SAMPLING_SLOW_MS", "SAMPLING_PERCENT"},
    TO_FILE: {"TRACES_FILE"},
}
COMPOSE = {"docker-compose.yml": "collector", "docker-compose.dev.yml": "collector-dev"}
SETS = [(BASE,), (BASE, SAMPLING), (BASE, TO_FILE), (BASE, SAMPLING, TO_FILE)]
VALIDATE_S = 30


def _read(file: Path, **variables: str) -> dict[str, Any]:
    """The file as the Collector reads it with these variables set."""
    text = VARIABLE.sub(lambda match: variables.get(match[1], match[2]), file.read_text(encoding="utf-8"))
    content: dict[str, Any] = yaml.safe_load(text)
    return content


def _validate(files: Sequence[Path], folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(require("otelcol")), "validate", *(f"--config={file}" for file in files)],
        env={"PATH": os.environ.get("PATH", os.defpath)} | variables,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=VALIDATE_S,
        check=False,
    )


def _opened(config: dict[str, Any]) -> dict[str, str]:
    protocols = config["receivers"]["otlp"]["protocols"]
    page = config["service"]["telemetry"]["metrics"]["readers"][0]["pull"]["exporter"]["prometheus"]
    return {
        "grpc": protocols["grpc"]["endpoint"],
        "http": protocols["http"]["endpoint"],
        "metrics": f"{page['host']}:{page['port']}",
        "health": config["extensions"]["health_check"]["endpoint"],
    }


def _seconds(duration: str) -> float:
    assert duration.endswith("s"), duration
    return float(duration.removesuffix("s"))


@pytest.mark.real
@pytest.mark.parametrize("files", SETS, ids=lambda files: "+".join(file.stem for file in files))
def test_the_collector_accepts_them(files: tuple[Path, ...], tmp_path: Path) -> None:
    run = _validate(files, tmp_path)
    assert (run.returncode, run.stdout + run.stderr) == (0, "")


@pytest.mark.real
@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [
        (BASE, "allow_all_keys:", "allow_every_key:"),
        (BASE, "extensions: [health_check,", "extensions: [health,"),
        (BASE, "processors: [memory_limiter, redaction]", "processors: [memory_limiter, redacted]"),
        (BASE, "queue_size: 400000000", "queue_size: 0"),
        (BASE, "sizer: items", "sizer: spans"),
        (SAMPLING, "num_traces: 20000", "num_traces: many"),
        (TO_FILE, "max_megabytes:", "max_mb:"),
    ],
)
def test_a_mistake_in_them_is_refused(file: Path, right: str, wrong: str, tmp_path: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert right in text
    broken = tmp_path / file.name
    broken.write_text(text.replace(right, wrong, 1), encoding="utf-8")
    run = _validate([broken] if file == BASE else [BASE, broken], tmp_path)
    assert run.returncode != 0
    assert run.stderr


@pytest.mark.real
def test_every_variable_reaches_the_type_that_it_needs(tmp_path: Path) -> None:
    sampling = {"SAMPLING_DECISION_WAIT": "1s", "SAMPLING_SLOW_MS": "500", "SAMPLING_PERCENT": "0"}
    numbers = {"COLLECTOR_METRICS_PORT": "1888", "COLLECTOR_MEMORY_MIB": "64", "COLLECTOR_LOG_LEVEL": "warn"}
    assert _validate([BASE, SAMPLING], tmp_path, **sampling, **numbers).returncode == 0
    assert _validate([BASE], tmp_path, COLLECTOR_MEMORY_MIB="much").returncode != 0
    assert _validate([BASE, SAMPLING], tmp_path, SAMPLING_DECISION_WAIT="soon").returncode != 0


@pytest.mark.parametrize("file", VARIABLES, ids=lambda file: file.name)
def test_the_variables_are_those_agreed_on_and_each_has_one_default(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    found = VARIABLE.findall(text)
    assert {name for name, _ in found} == VARIABLES[file]
    assert [name for name, default in found if not default] == []
    assert len({name for name, _ in found}) == len(set(found))
    # Anything else that begins so would be expanded too, also in a comment.
    assert "$" not in VARIABLE.sub("", text)


def test_by_default_it_opens_the_ports_of_production_on_the_loopback_address() -> None:
    assert _opened(_read(BASE)) == {
        "grpc": f"127.0.0.1:{PRODUCTION.otlp_grpc}",
        "http": f"127.0.0.1:{PRODUCTION.otlp_http}",
        "metrics": f"127.0.0.1:{PRODUCTION.collector_metrics}",
        "health": f"127.0.0.1:{PRODUCTION.collector_health}",
    }
    assert _read(BASE)["exporters"]["otlp_http/tempo"]["endpoint"] == f"http://127.0.0.1:{PRODUCTION.tempo_otlp_http}"


@pytest.mark.parametrize("ports", [PRODUCTION, DEVELOPMENT], ids=["production", "development"])
def test_the_native_stack_moves_every_port_and_folder(tmp_path: Path, ports: Ports) -> None:
    site = Site(tmp_path, ports, "production", tmp_path, tmp_path, tmp_path, {})
    plan = plans.collector(site, Path("/bin/otelcol"), has_tempo=True)
    assert set(plan.environment) <= BASE_VARIABLES | VARIABLES[TO_FILE]
    config = _read(BASE, **plan.environment)
    assert {int(where.rsplit(":", 1)[1]) for where in _opened(config).values()} == set(plan.ports)
    storage = config["extensions"]["file_storage/queue"]
    assert storage["directory"] == storage["compaction"]["directory"]
    assert Path(storage["directory"]).is_relative_to(tmp_path)
    assert f"--config={BASE}" in plan.command
    assert f"--config={TO_FILE}" not in plan.command
    assert f"--config={TO_FILE}" in plans.collector(site, Path("/bin/otelcol"), has_tempo=False).command


@pytest.mark.parametrize(("file", "service"), COMPOSE.items())
def test_compose_sets_only_variables_that_exist(file: str, service: str) -> None:
    container = yaml.safe_load((ROOT / file).read_text(encoding="utf-8"))["services"][service]
    assert set(container["environment"]) - {"GOMEMLIMIT"} <= BASE_VARIABLES
    opened = _opened(_read(BASE, **container["environment"]))
    assert {what: where.rsplit(":", 1)[0] for what, where in opened.items()} == dict.fromkeys(opened, "0.0.0.0")
    assert {int(where.rsplit(":", 1)[1]) for where in opened.values()} == {4317, 4318, 8888, 13133}


def test_a_span_is_checked_for_memory_and_masked_before_it_is_kept_anywhere() -> None:
    for file in (BASE, SAMPLING):
        assert _read(file)["service"]["pipelines"]["traces"]["processors"][:2] == ["memory_limiter", "redaction"]
    assert list(_read(BASE)["service"]["pipelines"]) == ["traces"]


def test_what_is_taken_is_on_disk_and_tried_for_ever() -> None:
    config = _read(BASE)
    exporter = config["exporters"]["otlp_http/tempo"]
    storage = exporter["sending_queue"]["storage"]
    assert storage in config["service"]["extensions"]
    assert config["extensions"][storage]["fsync"] is True
    assert _seconds(exporter["retry_on_failure"]["max_elapsed_time"]) == 0
    # In bytes: a number of requests would bound neither the disk nor what the ratio of an alert means.
    assert exporter["sending_queue"]["sizer"] == "bytes"
    assert exporter["sending_queue"]["batch"]["sizer"] == "items"
    # With the `batch` processor an error would not reach the sender.
    assert "batch" not in config["processors"]


def test_memory_is_bounded_well_below_the_limit_of_the_container() -> None:
    limit = int(_read(BASE)["processors"]["memory_limiter"]["limit_mib"])
    for file, service in COMPOSE.items():
        body = yaml.safe_load((ROOT / file).read_text(encoding="utf-8"))["services"][service]
        goal = int(body["environment"]["GOMEMLIMIT"].removesuffix("MiB"))
        assert limit < goal < int(body["mem_limit"].removesuffix("m"))


def test_a_trace_is_decided_on_when_its_longest_answer_has_ended() -> None:
    wait_s = _seconds(_read(SAMPLING)["processors"]["tail_sampling"]["decision_wait"])
    assert wait_s >= Settings().deadlines.total_s + 10


def test_sampling_keeps_what_the_service_marks() -> None:
    policies = {one["name"]: one for one in _read(SAMPLING)["processors"]["tail_sampling"]["policies"]}
    assert policies["cold"]["boolean_attribute"] == {"key": Attribute.COLD, "value": True}
    kept = policies["not_ok"]["string_attribute"]
    assert kept["key"] == Attribute.OUTCOME
    # Every outcome but these two, which are ordinary answers.
    assert set(kept["values"]) == set(Outcome) - {Outcome.OK, Outcome.NO_CONTEXT}
    assert set(policies) == {"failed", "slow", "cold", "not_ok", "rest"}


def test_the_file_of_traces_is_rotated() -> None:
    rotation = _read(TO_FILE)["exporters"]["file/traces"]["rotation"]
    assert rotation["max_megabytes"] * (rotation["max_backups"] + 1) == 250
    assert _read(TO_FILE)["service"]["pipelines"]["traces"] == {"exporters": ["file/traces"]}


def test_rules_and_dashboards_use_only_metrics_that_it_has() -> None:
    files = [*(ROOT / "prometheus/rules").glob("*.yml"), *(ROOT / "dashboards/json").rglob("*.json")]
    used = {name for file in files for name in re.findall(r"\botelcol_\w+", file.read_text(encoding="utf-8"))}
    assert used - set(EVERY_METRIC) == set()
