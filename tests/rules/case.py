"""Cases for `promtool test rules`: series as they would be scraped, and which alerts fire when.

A case is data, so that the same case runs against the shipped rules and against broken ones (`mutation.py`).
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prometheus.__main__ import render
from prometheus.thresholds import Thresholds
from tests.components.fixtures import require
from tests.rules.needed import needed

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
class Recorded:
    """At `at` the expression has these values, no more and no less, by their series in the text form."""

    at: str
    expr: str
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """`series`: name with labels in the text form -> promtool's notation of its values, one each `interval`."""

    name: str
    files: Sequence[str]
    series: Mapping[str, str]
    expected: Sequence[Firing]
    interval: str = "1m"
    external: Mapping[str, str] = field(default_factory=lambda: EXTERNAL)
    recorded: Sequence[Recorded] = ()
    evaluated: str = ""  # instead of what the run says


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


def run_each(cases: Iterable[Case], rules: Mapping[str, str], *, evaluated: str = "1m") -> dict[str, Outcome]:
    """What promtool said of each case by its name, every core busy."""
    cases = list(cases)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes = pool.map(lambda case: run_files([case], rules, evaluated=evaluated), cases)
        found = dict(zip((case.name for case in cases), outcomes, strict=True))
    if len(found) < len(cases):
        raise ValueError("two cases have the same name")
    return found


def run_files(
    cases: Iterable[Case], rules: Mapping[str, str], *, evaluated: str = "1m", timeout_s: float = 300
) -> Outcome:
    """The same against rule files by name. promtool evaluates every group at `evaluated`, whatever its interval. Texts
    are compared only where a case gives them, and only rules that a case looks at are evaluated."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = []
        for number, case in enumerate(cases):
            texts = any(firing.annotations is not None for firing in case.expected)
            alerts, exprs = {one.alert for one in case.expected}, [one.expr for one in case.recorded]
            chosen = needed({file: rules[file] for file in case.files}, alerts, exprs, texts=texts)
            for file, groups in chosen.items():
                (folder / f"{number}-{file}").write_text(json.dumps({"groups": groups}), encoding="utf-8")
            # A group that reads what another one records comes after it: where evaluations are rare, the value of the
            # one before is too old to be seen.
            order = [group["name"] for groups in chosen.values() for group in groups]
            path = folder / f"case-{number}.yml"
            path.write_text(json.dumps(_written(case, number, evaluated, order)), encoding="utf-8")
            files.append(str(path))
        done = subprocess.run(
            [str(require("promtool")), "test", "rules", *files],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            # It lives for moments: collecting garbage costs a quarter of its time.
            env={**os.environ, "GOGC": "400"},
        )
    return Outcome(done.returncode == 0, done.stdout + done.stderr)


def _written(case: Case, number: int, evaluated: str, order: Sequence[str]) -> dict[str, Any]:
    return {
        "rule_files": [f"{number}-{file}" for file in case.files],
        "evaluation_interval": case.evaluated or evaluated,
        "group_eval_order": list(order),
        "tests": [
            {
                "name": case.name,
                "interval": case.interval,
                "input_series": [{"series": series, "values": values} for series, values in case.series.items()],
                "external_labels": dict(case.external),
                "alert_rule_test": [_firing(firing, case.external) for firing in case.expected],
                "promql_expr_test": [_recorded(recorded) for recorded in case.recorded],
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


def _recorded(recorded: Recorded) -> dict[str, Any]:
    samples = [{"labels": series, "value": value} for series, value in recorded.values.items()]
    return {"eval_time": recorded.at, "expr": recorded.expr, "exp_samples": samples}
