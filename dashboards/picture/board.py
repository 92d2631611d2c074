"""A dashboard's file, read into what is drawn."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dashboards.picture.field import Field, field_of


@dataclass(frozen=True)
class Target:
    """One query of a panel. `source` is the kind of its data source, `variable` the name of the variable that names it."""

    ref: str
    source: str
    variable: str
    expr: str
    legend: str
    is_range: bool
    with_exemplars: bool


@dataclass(frozen=True)
class Place:
    """In columns of 24 and Grafana's rows."""

    x: int
    y: int
    w: int
    h: int


@dataclass(frozen=True)
class Panel:
    """One panel; `raw` is as in the file."""

    raw: Mapping[str, Any]

    @property
    def id(self) -> int:
        return int(self.raw["id"])

    @property
    def kind(self) -> str:
        return str(self.raw["type"])

    @property
    def title(self) -> str:
        return str(self.raw.get("title", ""))

    @property
    def place(self) -> Place:
        return Place(**self.raw["gridPos"])

    @property
    def options(self) -> Mapping[str, Any]:
        return self.raw.get("options") or {}

    @property
    def interval_s(self) -> float:
        """The least step it asks for; 0 leaves it to the data source."""
        return seconds(self.raw["interval"]) if self.raw.get("interval") else 0.0

    @property
    def points(self) -> int | None:
        """How many points at most, if it says so."""
        return self.raw.get("maxDataPoints")

    @property
    def transformations(self) -> Sequence[Mapping[str, Any]]:
        return self.raw.get("transformations") or []

    @property
    def targets(self) -> list[Target]:
        return [_target(one) for one in self.raw.get("targets") or []]

    @property
    def needs_grafana(self) -> bool:
        """Whether what it shows comes from Tempo, through Grafana."""
        return any(target.source == "tempo" for target in self.targets)

    def field(self, name: str = "") -> Field:
        """How what is called `name` is shown."""
        return field_of(self.raw.get("fieldConfig", {}), name)


@dataclass(frozen=True)
class Annotation:
    """What is marked on the panels with these ids."""

    name: str
    expr: str
    color: str
    panels: frozenset[int]


@dataclass(frozen=True)
class Board:
    """One dashboard."""

    name: str
    raw: Mapping[str, Any]

    @property
    def title(self) -> str:
        return str(self.raw["title"])

    @property
    def about(self) -> str:
        return str(self.raw.get("description", ""))

    @property
    def panels(self) -> list[Panel]:
        """Rows included; those folded into a row are not drawn, as Grafana does not either."""
        return [Panel(one) for one in self.raw["panels"]]

    @property
    def can_be_drawn(self) -> bool:
        """Whether any of it comes from Prometheus."""
        return any(panel.targets and not panel.needs_grafana for panel in self.panels)

    @property
    def variables(self) -> Sequence[Mapping[str, Any]]:
        return list(self.raw.get("templating", {}).get("list", []))

    @property
    def annotations(self) -> list[Annotation]:
        return [
            Annotation(one["name"], one["expr"], one["iconColor"], frozenset(one.get("filter", {}).get("ids", [])))
            for one in self.raw.get("annotations", {}).get("list", [])
            if one.get("enable")
        ]


def read(folder: Path) -> Iterator[Board]:
    """Every dashboard of a folder, by name."""
    for path in sorted(folder.glob("*.json")):
        yield Board(path.stem, json.loads(path.read_text(encoding="utf-8")))


def seconds(text: str) -> float:
    """Of a duration such as 15s or 6h."""
    return float(text[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[text[-1]]


def _target(raw: Mapping[str, Any]) -> Target:
    return Target(
        ref=raw.get("refId", ""),
        source=raw["datasource"]["type"],
        variable=raw["datasource"]["uid"].strip("${}"),
        expr=raw.get("expr", ""),
        legend=raw.get("legendFormat") or "",
        is_range=bool(raw.get("range")),
        with_exemplars=bool(raw.get("exemplar")),
    )
