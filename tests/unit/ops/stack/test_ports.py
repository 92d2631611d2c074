"""Every number is there once, and the documents say the same."""

import re
from dataclasses import astuple, fields

from ops.stack.ports import DEVELOPMENT, PRODUCTION, Ports
from ops.stack.site import ROOT

# As the page names them; the rest has a row of its own for each.
_ROWS = {
    "service: API and page": ["service"],
    "Grafana": ["grafana"],
    "Prometheus": ["prometheus"],
    "Alertmanager": ["alertmanager"],
    "Ollama": ["ollama"],
    "Tempo": ["tempo"],
    "OTLP gRPC, HTTP": ["otlp_grpc", "otlp_http"],
    "service's metrics": ["service_metrics"],
    "Collector's own metrics, health": ["collector_metrics", "collector_health"],
    "Tempo: OTLP/HTTP, gRPC, memberlist": ["tempo_otlp_http", "tempo_grpc", "tempo_memberlist"],
}


def documented(column: int) -> dict[str, int]:
    """What docs/ports.md says: name of a field -> port."""
    found = {}
    for line in (ROOT / "docs" / "ports.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] in _ROWS:
            numbers = [int(number) for number in re.findall(r"\d+", cells[column])]
            found |= dict(zip(_ROWS[cells[0]], numbers, strict=True))
    return found


def test_production_and_development_have_no_port_in_common() -> None:
    every = [*astuple(PRODUCTION), *astuple(DEVELOPMENT)]
    assert len(set(every)) == len(every)


def test_the_page_about_ports_tells_every_one() -> None:
    assert documented(1) == {field.name: getattr(PRODUCTION, field.name) for field in fields(Ports)}
    assert documented(2) == {field.name: getattr(DEVELOPMENT, field.name) for field in fields(Ports)}


def test_free_ports_are_all_different() -> None:
    ports = astuple(Ports.free())
    assert len(set(ports)) == len(ports)
