"""What a rule is, and how it is written. Nothing here knows what is watched."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from service.telemetry.catalogue import CONSTANT_LABELS, MODEL_LABEL

ENVIRONMENT = next(iter(CONSTANT_LABELS))
MODEL = MODEL_LABEL
# Who is disturbed: `page` at once, `ticket` within the day, `info` nobody (it explains another alert).
PAGE, TICKET, INFO = "page", "ticket", "info"
# How a number of events is written: `increase` reckons with parts of them.
COUNT = 'printf "%.0f"'


@dataclass(frozen=True)
class Recording:
    """A value that is kept under a name of its own: `level:metric:operation`, the level being the labels it has."""

    name: str
    expr: str

    def as_yaml(self) -> dict[str, Any]:
        return {"record": self.name, "expr": self.expr}


@dataclass(frozen=True)
class Alert:
    """Something that somebody is to do something about.

    `description` says the value, out of how many, and what is usual. `dashboard` is the uid to look at, `variables` its
    variables by the labels of the alert; `traces` is TraceQL. `labels` tell apart alerts of one name and subject.
    """

    name: str
    expr: str
    severity: str
    summary: str
    description: str
    for_: str = ""
    keep: str = ""
    dashboard: str = "overview"
    variables: Mapping[str, str] = field(default_factory=lambda: {"environment": ENVIRONMENT})
    traces: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    def as_yaml(self) -> dict[str, Any]:
        made: dict[str, Any] = {"alert": self.name, "expr": self.expr}
        if self.for_:
            made["for"] = self.for_
        if self.keep:
            made["keep_firing_for"] = self.keep
        annotations = {
            "summary": self.summary,
            "description": self.description,
            "runbook_url": f"{{{{ $externalLabels.runbook }}}}#{self.name.lower()}",
            "dashboard_url": _dashboard(self.dashboard, self.variables),
        }
        if self.traces:
            annotations["trace_query"] = self.traces
        return made | {"labels": {"severity": self.severity, **self.labels}, "annotations": annotations}


@dataclass(frozen=True)
class Group:
    """Rules that are evaluated one after the other, `every` so often ("" = as often as Prometheus does)."""

    name: str
    rules: Sequence[Recording | Alert]
    every: str = ""

    def as_yaml(self) -> dict[str, Any]:
        made: dict[str, Any] = {"name": self.name}
        if self.every:
            made["interval"] = self.every
        return made | {"rules": [rule.as_yaml() for rule in self.rules]}


def written(groups: Sequence[Group], heading: str) -> str:
    """A file of rules."""
    body = yaml.dump(
        {"groups": [group.as_yaml() for group in groups]},
        Dumper=_Dumper,
        sort_keys=False,
        width=116,
    )
    return (
        f"# {heading}\n# Written by `make rules` from prometheus/*.py and thresholds; not to be changed here.\n{body}"
    )


def label(name: str) -> str:
    """A label of the alert, in its texts."""
    return f"{{{{ $labels.{name} }}}}"


def value(how: str = "humanize") -> str:
    """The value of the alert's expression: `humanizeDuration`, `humanizePercentage`, `humanize`."""
    return f"{{{{ $value | {how} }}}}"


def looked_up(series: str, labels: Sequence[str], how: str = "humanize", pick: str = "value") -> str:
    """What a series with the alert's labels says at that moment, in its texts; `?` when there is none. `series` may be
    any expression with `%s` where its selector is; `pick` may be `label "name"` instead."""
    pattern = series.replace("%s", ",".join(f"{name}=%q" for name in labels))
    query = f"printf {json.dumps(pattern)} {' '.join(f'$labels.{name}' for name in labels)}"
    return f"{{{{ with {query} | query }}}}{{{{ . | first | {pick} | {how} }}}}{{{{ else }}}}?{{{{ end }}}}"


def recorded(name: str, labels: Sequence[str], how: str = "humanize") -> str:
    """What a recorded value with the alert's labels is at that moment, in its texts."""
    return looked_up(f"{name}{{%s}}", labels, how)


def _dashboard(uid: str, variables: Mapping[str, str]) -> str:
    """The last six hours: long enough to see what was usual before."""
    chosen = "".join(f"&var-{name}={{{{ $labels.{of} | urlquery }}}}" for name, of in variables.items())
    return f"{{{{ $externalLabels.grafana }}}}/d/{uid}?from=now-6h&to=now{chosen}"


class _Dumper(yaml.SafeDumper):
    """Lists stand further in than what they belong to."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)
