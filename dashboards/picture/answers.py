"""Every query of a panel, executed as Grafana would."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from dashboards.picture.board import Annotation, Panel, Target
from dashboards.picture.prometheus import Example, Numbers, Prometheus, Series
from dashboards.picture.variables import Variables
from dashboards.picture.window import Window

_POINTS = 400
_LABEL = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_ANNOTATION_STEP_S = 15.0


@dataclass(frozen=True)
class Answer:
    """What one target got. `times` are Unix seconds; names of series are in the order of `series`."""

    target: Target
    times: Numbers
    series: list[Series]
    names: list[str]
    examples: list[Example]


@dataclass(frozen=True)
class Mark:
    """Times at which an annotation holds."""

    name: str
    color: str
    times: Numbers


@dataclass(frozen=True)
class Asker:
    """Asks for panels. `sources` are Prometheus by the name of the variable that chooses it."""

    sources: Mapping[str, Prometheus]
    variables: Variables
    window: Window

    def answers(self, panel: Panel) -> list[Answer]:
        """Of every target that Prometheus can answer."""
        step_s = self.window.step_s(panel.points or _POINTS, panel.interval_s)
        return [self._answer(target, step_s) for target in panel.targets if target.source == "prometheus"]

    def marks(self, annotation: Annotation) -> Mark:
        """When it holds."""
        query = self.variables.query(annotation.expr, self.window.macros(_ANNOTATION_STEP_S))
        start_s, end_s = self.window.aligned(_ANNOTATION_STEP_S)
        times, series = self.sources["datasource"].over_time(query, start_s, end_s, _ANNOTATION_STEP_S)
        seen = np.zeros(len(times), dtype=bool)
        for one in series:
            seen |= np.isfinite(one.values)
        return Mark(annotation.name, annotation.color, times[seen])

    def _answer(self, target: Target, step_s: float) -> Answer:
        source = self.sources[target.variable]
        query = self.variables.query(target.expr, self.window.macros(step_s))
        start_s, end_s = self.window.aligned(step_s)
        if target.is_range:
            times, series = source.over_time(query, start_s, end_s, step_s)
        else:
            times, series = np.array([self.window.end_s]), source.at(query, self.window.end_s)
        examples = source.examples(query, start_s, end_s) if target.with_exemplars else []
        asked = replace(target, expr=query)
        return Answer(asked, times, series, [legend(target.legend, one.labels) for one in series], examples)


def legend(template: str, labels: Mapping[str, str]) -> str:
    """The name of a series: a label that it lacks is nothing, and what is then nameless is a `Value`."""
    if not template:
        return "{" + ", ".join(f'{name}="{value}"' for name, value in labels.items()) + "}"
    return _LABEL.sub(lambda match: labels.get(match[1], ""), template).strip() or "Value"
