"""Cases for `promtool test rules`: series as they would be scraped, and which alerts fire when.

A case is data, so that the same case runs against the shipped rules and against broken ones (`mutation.py`).
"""

import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from prometheus.__main__ import render
from prometheus.thresholds import Thresholds
from tests.components.fixtures import require

ENVIRONMENT = "deployment_environment_name"
PRODUCTION = {ENVIRONMENT: "production"}
# What prometheus.yml puts on every alert.
EXTERNAL = {"notify": "", "grafana": "http://grafana", "runbook": "runbook.md"}


@dataclass(frozen=True)
class Firing:
    """At `at` (a span since the start) these alerts fire, no more and no less. `labels` are those beside the severity;
    texts are compared when given."""

    at: str
    alert: str
    labels: Sequence[Mapping[str, str]] = ()
    severity: str = "ticket"
    annotations: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Case:
    """`series`: name with labels in the text form -> promtool's notation of its values, one each `interval`."""

    name: str
    files: Sequence[str]
    series: Mapping[str, str]
    expected: Sequence[Firing]
    interval: str = "1m"
    external: Mapping[str, str] = field(default_factory=lambda: EXTERNAL)


@dataclass(frozen=True)
class Outcome:
    """What promtool said."""

    passed: bool
    said: str


def named(metric: str, **labels: str) -> str:
    """A series in the text form."""
    return f"{metric}{{{','.join(f'{name}={value!r}'.replace(chr(39), chr(34)) for name, value in labels.items())}}}"


def run(cases: Iterable[Case], limits: Thresholds, *, evaluated: str = "1m", timeout_s: float = 300) -> Outcome:
    """Run cases against the rules that these bounds give."""
    return run_files(cases, render(limits), evaluated=evaluated, timeout_s=timeout_s)


def run_files(
    cases: Iterable[Case], rules: Mapping[str, str], *, evaluated: str = "1m", timeout_s: float = 300
) -> Outcome:
    """The same against rule files by name. promtool evaluates every group at `evaluated`, whatever its interval. Texts
    are compared only where a case gives them: otherwise they are taken out of the rules."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = []
        for number, case in enumerate(cases):
            texts = any(firing.annotations is not None for firing in case.expected)
            for file in case.files:
                content = rules[file] if texts else _without_texts(rules[file])
                (folder / f"{number}-{file}").write_text(content, encoding="utf-8")
            path = folder / f"case-{number}.yml"
            path.write_text(yaml.safe_dump(_written(case, number, evaluated), sort_keys=False), encoding="utf-8")
            files.append(str(path))
        done = subprocess.run(
            [str(require("promtool")), "test", "rules", *files],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    return Outcome(done.returncode == 0, done.stdout + done.stderr)


def _written(case: Case, number: int, evaluated: str) -> dict[str, Any]:
    return {
        "rule_files": [f"{number}-{file}" for file in case.files],
        "evaluation_interval": evaluated,
        "tests": [
            {
                "name": case.name,
                "interval": case.interval,
                "input_series": [{"series": series, "values": values} for series, values in case.series.items()],
                "external_labels": dict(case.external),
                "alert_rule_test": [_firing(firing, case.external) for firing in case.expected],
            }
        ],
    }


def _firing(firing: Firing, external: Mapping[str, str]) -> dict[str, Any]:
    alerts = []
    for labels in firing.labels:
        alert: dict[str, Any] = {"exp_labels": {**labels, "severity": firing.severity}}
        if firing.annotations is not None:
            alert["exp_annotations"] = dict(firing.annotations)
        alerts.append(alert)
    return {"eval_time": firing.at, "alertname": firing.alert, "exp_alerts": alerts}


def _without_texts(content: str) -> str:
    given = yaml.safe_load(content)
    for group in given["groups"]:
        for rule in group["rules"]:
            rule.pop("annotations", None)
    return yaml.safe_dump(given, sort_keys=False)
