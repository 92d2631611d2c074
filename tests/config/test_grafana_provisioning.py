"""What Grafana is provisioned with: data sources, the links between them, and where dashboards come from."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from opentelemetry.trace import SpanContext, TraceFlags
from prometheus_client import CollectorRegistry

from ops.stack import plans
from ops.stack.ports import PRODUCTION
from ops.stack.site import ROOT, Site
from service.telemetry.catalogue import CONSTANT_LABELS, INGEST_DURATION, METRICS, MODEL_LABEL, Attribute
from service.telemetry.meters import Meters
from service.telemetry.metric import Kind, Metric

PROVISIONING = ROOT / "dashboards" / "provisioning"
SOURCES = PROVISIONING / "datasources" / "datasources.yml"
PROVIDERS = PROVISIONING / "dashboards" / "dashboards.yml"
URLS = {"prometheus": "PROMETHEUS_URL", "tempo": "TEMPO_URL", "alertmanager": "ALERTMANAGER_URL"}
COMPOSE = {"docker-compose.yml": "grafana", "docker-compose.dev.yml": "grafana-dev"}
# What Grafana reads in a value: an escaped dollar sign, or the variable that it puts in.
DOLLAR = re.compile(r"\$\$|\$\{?(\w*)\}?")
_SELECTOR = re.compile(r"([a-z_]\w*)\{((?:\$\$\{\w+\}|[^}])*)\}")
_BY = re.compile(r"\bby \(([^)]*)\)")
_LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_TRACEQL = re.compile(r"\b(?:span|resource)\.([\w.]+)")
# What Prometheus itself puts on every sample.
_BY_PROMETHEUS = {"job", "instance"}


@cache
def _sources() -> dict[str, dict[str, Any]]:
    return {source["uid"]: source for source in _read(SOURCES)["datasources"]}


def _read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return content


def _settings(uid: str) -> dict[str, Any]:
    settings: dict[str, Any] = _sources()[uid]["jsonData"]
    return settings


def _texts(node: Any) -> Iterator[str]:
    """Every value that is a text: Grafana puts variables into these."""
    if isinstance(node, dict):
        for inner in node.values():
            yield from _texts(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _texts(inner)
    elif isinstance(node, str):
        yield node


def _exposed() -> dict[str, Metric]:
    """Every name of a series of the service, with its metric."""
    names: dict[str, Metric] = {}
    for metric in METRICS:
        endings = ("_bucket", "_sum", "_count") if metric.kind is Kind.HISTOGRAM else ("",)
        names |= {metric.name + ending: metric for ending in endings}
    return names


def _expressions() -> dict[str, str]:
    """Every PromQL expression of the file by what it is called."""
    queries = {query["name"]: query["query"] for query in _settings("tempo")["tracesToMetrics"]["queries"]}
    links = [link for source in _sources().values() for link in source.get("correlations", [])]
    return queries | {
        link["label"]: link["config"]["target"]["expr"] for link in links if link["targetUID"] == "prometheus"
    }


def _correlations() -> list[Any]:
    return [
        pytest.param(uid, link, id=link["label"])
        for uid, source in _sources().items()
        for link in source.get("correlations", [])
    ]


def exemplar_label() -> str:
    """The label through which a click on an exemplar finds its trace."""
    (destination,) = _settings("prometheus")["exemplarTraceIdDestinations"]
    return str(destination["name"])


def test_the_sources_have_fixed_uids_and_addresses_by_variables() -> None:
    assert {uid: source["url"] for uid, source in _sources().items()} == {uid: f"${name}" for uid, name in URLS.items()}
    assert {uid: source["type"] for uid, source in _sources().items()} == {uid: uid for uid in URLS}
    assert [uid for uid, source in _sources().items() if source.get("isDefault")] == ["prometheus"]
    assert [uid for uid, source in _sources().items() if source.get("editable")] == []


@pytest.mark.parametrize("file", [SOURCES, PROVIDERS], ids=lambda file: file.name)
def test_a_dollar_sign_is_doubled_or_a_variable_that_is_set(file: Path, tmp_path: Path) -> None:
    site = Site(tmp_path, PRODUCTION, "production", tmp_path, tmp_path, tmp_path, {})
    native = plans.grafana(site, tmp_path / "bin" / "grafana").environment
    used = {match[1] for text in _texts(_read(file)) for match in DOLLAR.finditer(text) if match[0] != "$$"}
    assert used <= set(native)
    for compose, service in COMPOSE.items():
        assert used <= set(_read(ROOT / compose)["services"][service]["environment"]), compose


def test_a_panel_steps_as_prometheus_scrapes() -> None:
    scraped = _read(ROOT / "prometheus" / "prometheus.yml")["global"]["scrape_interval"]
    assert _settings("prometheus")["timeInterval"] == scraped


def test_prometheus_is_asked_as_prometheus_3_and_shows_its_alerts() -> None:
    settings = _settings("prometheus")
    assert settings["prometheusType"] == "Prometheus"
    assert settings["prometheusVersion"].startswith("3.")
    assert settings["httpMethod"] == "POST"
    assert settings["manageAlerts"] is True
    assert _settings("alertmanager") == {"implementation": "prometheus", "handleGrafanaManagedAlerts": False}


def test_exemplars_lead_to_tempo_by_the_label_that_the_service_writes() -> None:
    (destination,) = _settings("prometheus")["exemplarTraceIdDestinations"]
    assert destination["datasourceUid"] == "tempo"
    assert exemplar_label() in _written_exemplar()


def _written_exemplar() -> dict[str, str]:
    """The exemplar that the service's own meters write for a sampled span."""
    registry = CollectorRegistry()
    Meters(registry, ["small"]).observe(INGEST_DURATION, 1.0, SpanContext(1, 2, False, TraceFlags(TraceFlags.SAMPLED)))
    (exemplar,) = (
        sample.exemplar for family in registry.collect() for sample in family.samples if sample.exemplar is not None
    )
    return exemplar.labels


def test_tempo_shows_the_service_graph_and_the_node_graph() -> None:
    settings = _settings("tempo")
    assert settings["serviceMap"] == {"datasourceUid": "prometheus"}
    assert settings["nodeGraph"] == {"enabled": True}
    assert settings["spanBar"] == {"type": "Tag", "tag": Attribute.REQUEST_MODEL}


def test_the_tags_of_a_span_become_labels_that_metrics_have() -> None:
    link = _settings("tempo")["tracesToMetrics"]
    assert link["datasourceUid"] == "prometheus"
    assert {tag["key"]: tag["value"] for tag in link["tags"]} == {
        "service.name": "job",
        CONSTANT_LABELS["deployment_environment_name"]: "deployment_environment_name",
        Attribute.REQUEST_MODEL: MODEL_LABEL,
    }


def test_every_query_of_a_span_asks_for_its_tags_and_can_be_told_models_apart() -> None:
    exposed = _exposed()
    for query in _settings("tempo")["tracesToMetrics"]["queries"]:
        selectors = _SELECTOR.findall(query["query"])
        assert selectors, query
        assert [name for name, matchers in selectors if matchers != "$$__tags"] == []
        assert [name for name, _ in selectors if MODEL_LABEL not in exposed[name].label_names] == [], query["name"]


@pytest.mark.parametrize("name", _expressions())
def test_every_name_in_a_query_exists(name: str) -> None:
    expression = _expressions()[name]
    exposed = _exposed()
    used = [metric for metric, _ in _SELECTOR.findall(expression)]
    assert used
    assert set(used) <= set(exposed)
    known = _BY_PROMETHEUS | set(CONSTANT_LABELS)
    for metric in used:
        histogram = {"le"} if metric.endswith("_bucket") else set()
        labels = {label.strip() for group in _BY.findall(expression) for label in group.split(",")}
        labels |= {label for _, matchers in _SELECTOR.findall(expression) for label in _LABEL.findall(matchers)}
        assert labels <= known | histogram | set(exposed[metric].label_names), metric


@pytest.mark.parametrize(("uid", "link"), _correlations())
def test_a_correlation_has_all_that_grafana_needs_to_start(uid: str, link: dict[str, Any]) -> None:
    assert link["targetUID"] in URLS
    assert link["targetUID"] != uid
    # Grafana takes these for granted: without them it does not start.
    assert isinstance(link["label"], str)
    assert isinstance(link["description"], str)
    assert link["config"]["type"] == "query"
    assert "type" not in link
    assert "transformations" not in link


@pytest.mark.parametrize(("uid", "link"), _correlations())
def test_a_correlation_starts_at_the_model_and_uses_what_it_found(uid: str, link: dict[str, Any]) -> None:
    config = link["config"]
    assert config["field"] == (MODEL_LABEL if uid == "prometheus" else Attribute.REQUEST_MODEL)
    given = {rule["mapValue"] for rule in config.get("transformations", [])} | {config["field"]}
    used = {match for text in _texts(config["target"]) for match in re.findall(r"\$\$\{([^}]*)\}", text)}
    assert used
    assert used <= given
    # A dot in a variable means something else.
    assert [name for name in used if "." in name] == []


def test_attributes_of_a_search_are_those_of_spans() -> None:
    links = [link for link in _sources()["prometheus"]["correlations"] if link["targetUID"] == "tempo"]
    searches = [link["config"]["target"]["query"] for link in links]
    used = {name for search in searches for name in _TRACEQL.findall(search)}
    assert used
    assert used <= {value for name, value in vars(Attribute).items() if not name.startswith("_")}


def test_dashboards_are_read_from_the_folder_and_nobody_changes_them_in_grafana() -> None:
    (provider,) = _read(PROVIDERS)["providers"]
    assert provider["type"] == "file"
    assert provider["options"]["path"] == "$DASHBOARDS_DIR"
    assert provider["folder"]
    assert provider["folderUid"]
    assert provider["disableDeletion"] is True
    assert provider["allowUiUpdates"] is False


def test_every_folder_that_grafana_looks_into_is_there() -> None:
    """It complains about one that is missing."""
    assert {folder.name for folder in PROVISIONING.iterdir()} == {"alerting", "dashboards", "datasources", "plugins"}
    assert (ROOT / "dashboards" / "json").is_dir()
