"""The dashboards as files, read into what tests ask of them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dashboards.__main__ import FOLDER

WITH_LEGEND = frozenset(("timeseries", "state-timeline", "status-history", "bargauge"))
TEXTUAL = frozenset(("text", "row", "traces"))


@dataclass(frozen=True)
class Target:
    """One query of a panel. `expr` is PromQL, `query` TraceQL; one of them is empty."""

    ref: str
    source: dict[str, str]
    expr: str
    query: str
    raw: dict[str, Any]


@dataclass(frozen=True)
class Panel:
    """One panel. `raw` is as in the file."""

    id: int
    kind: str
    title: str
    raw: dict[str, Any]

    @property
    def defaults(self) -> dict[str, Any]:
        return dict(self.raw.get("fieldConfig", {}).get("defaults", {}))

    @property
    def overrides(self) -> list[dict[str, Any]]:
        return list(self.raw.get("fieldConfig", {}).get("overrides", []))

    @property
    def options(self) -> dict[str, Any]:
        return dict(self.raw.get("options") or {})

    @property
    def description(self) -> str:
        return str(self.raw.get("description", ""))

    @property
    def is_logarithmic(self) -> bool:
        return bool(self.defaults.get("custom", {}).get("scaleDistribution", {}).get("type") == "log")

    @property
    def targets(self) -> list[Target]:
        return [
            Target(one.get("refId", ""), one.get("datasource", {}), one.get("expr", ""), one.get("query", ""), one)
            for one in self.raw.get("targets") or []
        ]


@dataclass(frozen=True)
class Board:
    """One dashboard."""

    name: str
    raw: dict[str, Any]

    @property
    def panels(self) -> list[Panel]:
        """Every panel, rows and what is folded into them included."""
        return list(_panels(self.raw.get("panels", [])))

    @property
    def variables(self) -> dict[str, dict[str, Any]]:
        return {one["name"]: one for one in self.raw.get("templating", {}).get("list", [])}

    @property
    def annotations(self) -> list[dict[str, Any]]:
        return list(self.raw.get("annotations", {}).get("list", []))


def read(folder: Path = FOLDER) -> list[Board]:
    """Every file of the folder."""
    return [Board(path.stem, json.loads(path.read_text())) for path in sorted(folder.glob("*.json"))]


def strings(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text in it, with the key it stands under."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from strings(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner, key)
    elif isinstance(value, str):
        yield key, value


def _panels(raw: list[dict[str, Any]]) -> Iterator[Panel]:
    for one in raw:
        yield Panel(one.get("id", 0), one["type"], one.get("title", ""), one)
        yield from _panels(one.get("panels", []) if one["type"] == "row" else [])
