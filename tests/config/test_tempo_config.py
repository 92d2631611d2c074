"""The shipped configuration of Tempo: what it opens, where it writes, how long it keeps, what it tells Prometheus."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.components.find import find, missing
from ops.stack import plans
from ops.stack.ports import DEVELOPMENT, PRODUCTION, Ports
from ops.stack.site import ROOT, Site
from service.telemetry.catalogue import CONSTANT_LABELS, MODEL_LABEL, Attribute, L
from tests.config.test_grafana_provisioning import exemplar_label

TEMPO = ROOT / "otel" / "tempo.yml"
# Tempo's own way to write a variable, with an optional default.
VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")
SEARCH_TIMES = {"TEMPO_SEARCH_CUTOFF", "TEMPO_TRACE_IDLE", "TEMPO_FLUSH_CHECK"}
VARIABLES = SEARCH_TIMES | {
    "TEMPO_LISTEN_HOST",
    "TEMPO_HTTP_PORT",
    "TEMPO_GRPC_PORT",
    "TEMPO_OTLP_HTTP_ENDPOINT",
    "TEMPO_MEMBERLIST_PORT",
    "TEMPO_DATA_DIR",
    "PROMETHEUS_URL",
}
COMPOSE = {"docker-compose.yml": "tempo", "docker-compose.dev.yml": "tempo-dev"}
VERIFY_S = 60


@cache
def _text() -> str:
    return TEMPO.read_text(encoding="utf-8")


def _with(**variables: object) -> dict[str, Any]:
    """The configuration as Tempo reads it with these variables set."""

    def value(match: re.Match[str]) -> str:
        return str(variables.get(match[1], match[2] or ""))

    content: dict[str, Any] = yaml.safe_load(VARIABLE.sub(value, _text()))
    return content


def _leaves(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every single value with the names that lead to it."""
    if isinstance(node, dict):
        for name, inner in node.items():
            yield from _leaves(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(node, list):
        for inner in node:
            yield from _leaves(inner, path)
    else:
        yield path, node


def _site(folder: Path, ports: Ports) -> Site:
    return Site(folder, ports, "production", folder, folder, folder, {})


def _opened(config: Mapping[str, Any]) -> dict[str, str]:
    """What Tempo listens on, by what it is for."""
    server, gossip = config["server"], config["memberlist"]
    return {
        "http": f"{server['http_listen_address']}:{server['http_listen_port']}",
        "grpc": f"{server['grpc_listen_address']}:{server['grpc_listen_port']}",
        "otlp": config["distributor"]["receivers"]["otlp"]["protocols"]["http"]["endpoint"],
        "gossip": f"{','.join(gossip['bind_addr'])}:{gossip['bind_port']}",
    }


def _hours(duration: str) -> int:
    match = re.fullmatch(r"(\d+)h", duration)
    assert match, duration
    return int(match[1])


def test_the_variables_are_those_agreed_on_and_each_has_a_default() -> None:
    defaults = VARIABLE.findall(_text())
    assert {name for name, _ in defaults} == VARIABLES
    assert [name for name, default in defaults if not default] == []
    by_name = {name: {default for other, default in defaults if other == name} for name in VARIABLES}
    assert {name: found for name, found in by_name.items() if len(found) > 1} == {}
    # Comments are expanded too, so a dollar sign may stand nowhere else.
    assert "$" not in VARIABLE.sub("", _text())


def test_by_default_it_opens_the_ports_of_production_on_the_loopback_address() -> None:
    assert _opened(_with()) == {
        "http": f"127.0.0.1:{PRODUCTION.tempo}",
        "grpc": f"127.0.0.1:{PRODUCTION.tempo_grpc}",
        "otlp": f"127.0.0.1:{PRODUCTION.tempo_otlp_http}",
        "gossip": f"127.0.0.1:{PRODUCTION.tempo_memberlist}",
    }
    assert list(_with()["distributor"]["receivers"]) == ["otlp"]
    assert list(_with()["distributor"]["receivers"]["otlp"]["protocols"]) == ["http"]


def test_in_a_container_only_what_others_call_is_opened_to_them() -> None:
    opened = _opened(_with(TEMPO_LISTEN_HOST="0.0.0.0", TEMPO_OTLP_HTTP_ENDPOINT="0.0.0.0:4418"))
    assert {what for what, where in opened.items() if where.startswith("0.0.0.0:")} == {"http", "otlp"}


def test_rings_announce_the_address_where_grpc_listens() -> None:
    config = _with(TEMPO_LISTEN_HOST="0.0.0.0")
    for part in ("live_store", "metrics_generator"):
        assert config[part]["ring"]["instance_addr"] == config["server"]["grpc_listen_address"], part


@pytest.mark.parametrize("ports", [PRODUCTION, DEVELOPMENT], ids=["production", "development"])
def test_the_native_stack_moves_every_port_and_folder(tmp_path: Path, ports: Ports) -> None:
    plan = plans.tempo(_site(tmp_path, ports), Path("/bin/tempo"))
    assert set(plan.environment) <= VARIABLES
    config = _with(**plan.environment)
    assert {int(where.rsplit(":", 1)[1]) for where in _opened(config).values()} == set(plan.ports)
    assert config["metrics_generator"]["storage"]["remote_write"][0]["url"].startswith(
        f"http://127.0.0.1:{ports.prometheus}/"
    )
    assert f"-config.file={TEMPO}" in plan.command
    assert "-config.expand-env=true" in plan.command


@pytest.mark.parametrize(("file", "service"), COMPOSE.items())
def test_compose_sets_only_variables_that_exist(file: str, service: str) -> None:
    container = yaml.safe_load((ROOT / file).read_text(encoding="utf-8"))["services"][service]
    assert set(container["environment"]) <= VARIABLES
    opened = _opened(_with(**container["environment"]))
    assert opened["http"] == f"0.0.0.0:{PRODUCTION.tempo}"
    assert opened["otlp"] == f"0.0.0.0:{PRODUCTION.tempo_otlp_http}"


def test_every_path_is_in_the_data_folder() -> None:
    paths = {
        name: value
        for name, value in _leaves(_with(TEMPO_DATA_DIR="/somewhere"))
        if name.rsplit(".", 1)[-1].endswith(("path", "dir"))
    }
    # Those that Tempo would otherwise put into /var/tempo.
    assert set(paths) >= {
        "live_store.wal.path",
        "live_store.shutdown_marker_dir",
        "block_builder.wal.path",
        "storage.trace.wal.path",
        "storage.trace.local.path",
        "backend_scheduler.local_work_path",
        "metrics_generator.storage.path",
    }
    assert [name for name, path in paths.items() if not path.startswith("/somewhere/")] == []
    assert len(set(paths.values())) == len(paths)
    assert "/var/tempo" not in repr(_with())


def test_traces_are_kept_for_14_days_and_all_of_them_can_be_searched() -> None:
    config = _with()
    scheduler = config["backend_scheduler"]["provider"]["compaction"]["compaction"]["block_retention"]
    assert _hours(scheduler) == 14 * 24
    assert config["backend_worker"]["compaction"]["block_retention"] == scheduler
    assert _hours(config["query_frontend"]["search"]["max_duration"]) >= _hours(scheduler)


def test_it_is_written_for_tempo_3() -> None:
    config = _with()
    assert {"ingester", "ingester_client", "compactor", "metrics_generator_client"} & set(config) == set()
    # Limits in the old, flat form keep Tempo 3 from starting.
    assert list(config["overrides"]) == ["defaults"]
    assert all(isinstance(group, dict) for group in config["overrides"]["defaults"].values())
    assert "local-blocks" not in config["overrides"]["defaults"]["metrics_generator"]["processors"]


def test_tests_can_make_a_search_find_at_once() -> None:
    config = _with(TEMPO_SEARCH_CUTOFF="0s", TEMPO_TRACE_IDLE="500ms", TEMPO_FLUSH_CHECK="400ms")
    assert config["query_frontend"]["query_end_cutoff"] == "0s"
    assert config["live_store"]["max_trace_idle"] == "500ms"
    assert config["live_store"]["flush_check_period"] == "400ms"


def test_nothing_is_reported_to_the_vendor() -> None:
    assert _with()["usage_report"]["reporting_enabled"] is False


def test_the_service_graph_goes_to_prometheus_with_exemplars() -> None:
    config = _with(PROMETHEUS_URL="http://prometheus:9090")
    assert config["metrics_generator"]["storage"]["remote_write"] == [
        {"url": "http://prometheus:9090/api/v1/write", "send_exemplars": True}
    ]
    generator = config["overrides"]["defaults"]["metrics_generator"]
    assert set(generator["processors"]) == {"service-graphs", "span-metrics"}
    assert generator["trace_id_label_name"] == exemplar_label()
    assert generator["max_active_series"] > 0


@pytest.mark.parametrize("processor", ["service_graphs", "span_metrics"])
def test_buckets_reach_as_far_as_the_answers_of_large_models(processor: str) -> None:
    buckets = _with()["metrics_generator"]["processor"][processor]["histogram_buckets"]
    assert buckets == sorted(set(buckets))
    assert set(buckets) <= set(L)
    assert buckets[-1] == L[-1] == 600


def test_the_graph_names_callees_as_spans_do() -> None:
    peers = _with()["metrics_generator"]["processor"]["service_graphs"]["peer_attributes"]
    assert peers[0] == Attribute.PEER
    assert Attribute.DB_SYSTEM in peers


def test_what_tempo_measures_has_the_labels_of_the_other_metrics() -> None:
    processors = _with()["metrics_generator"]["processor"]
    environment = CONSTANT_LABELS["deployment_environment_name"]
    assert processors["service_graphs"]["dimensions"] == [environment]
    assert processors["span_metrics"]["dimensions"] == [environment, Attribute.REQUEST_MODEL]
    assert Attribute.REQUEST_MODEL.replace(".", "_") == MODEL_LABEL


def test_tempo_itself_accepts_it(tmp_path: Path) -> None:
    program = find("tempo")
    if program is None:
        pytest.skip(missing("tempo"))
    run = subprocess.run(
        [str(program), f"-config.file={TEMPO}", "-config.expand-env=true", "-config.verify=true"],
        env=os.environ | {"TEMPO_DATA_DIR": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=VERIFY_S,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
