"""What a dashboard's variables stand for, put into queries and titles as Grafana does."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dashboards.picture.board import Board

ALL = "$__all"
_VARIABLE = re.compile(r"\$\{(?P<braced>\w+)(?::\w+)?\}|\$(?P<plain>\w+)")
_LABEL_VALUES = re.compile(r"label_values\((?P<series>.+),\s*(?P<label>\w+)\)")
_OF_REGEX = re.compile(r"[\\^$*+?.()|\[\]{}]")
Values = Callable[[str, str], Sequence[str]]
"""The values of a label (second) among the series that a selector (first) matches."""


@dataclass(frozen=True)
class Variables:
    """`chosen` are the values of each, `several` those that may have more than one, `everything` what stands for all;
    `texts` are what people see instead of a value."""

    chosen: Mapping[str, Sequence[str]]
    several: frozenset[str] = frozenset()
    everything: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)

    def query(self, text: str, macros: Mapping[str, str]) -> str:
        """A query with all put in, as the data source is asked it. Raises `KeyError` for what has no value."""

        def value(match: re.Match[str]) -> str:
            name = match["braced"] or match["plain"]
            return macros[name] if name in macros else self._of_query(name)

        return _VARIABLE.sub(value, text)

    def title(self, text: str) -> str:
        """A text with what people chose; what has no value stays."""
        return _VARIABLE.sub(lambda match: self.words(match["braced"] or match["plain"]) or match[0], text)

    def words(self, name: str) -> str:
        """What is chosen, for people; "" for a variable that there is not."""
        chosen = self.chosen.get(name, ())
        if name in self.texts:
            return self.texts[name]
        return "All" if list(chosen) == [ALL] else " + ".join(chosen)

    def _of_query(self, name: str) -> str:
        chosen = self.chosen[name]
        if list(chosen) == [ALL]:
            return self.everything.get(name) or ".*"
        if name not in self.several:
            return chosen[0].replace("\\", "\\\\").replace('"', '\\"')
        # Once for the expression, and once more for the string around it.
        escaped = [_OF_REGEX.sub(r"\\\g<0>", one).replace("\\", "\\\\") for one in chosen]
        return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def resolved(board: Board, wanted: Mapping[str, str], values: Values) -> Variables:
    """The variables as the dashboard opens: as `wanted`, else as it was saved, else the first value there is."""
    chosen: dict[str, Sequence[str]] = {}
    several, everything, texts = set(), {}, {}
    for variable in board.variables:
        name = variable["name"]
        if variable.get("multi") or variable.get("includeAll"):
            several.add(name)
            everything[name] = str(variable.get("allValue") or "")
        if name in wanted:
            chosen[name] = wanted[name].split(",")
        else:
            so_far = Variables(dict(chosen), frozenset(several), dict(everything))
            chosen[name] = _opened(variable, so_far, values)
        saved = variable["current"]
        if isinstance(saved.get("text"), str) and list(chosen[name]) == [saved["value"]]:
            texts[name] = saved["text"]
    return Variables(chosen, frozenset(several), everything, texts)


def _opened(variable: Mapping[str, Any], so_far: Variables, values: Values) -> Sequence[str]:
    saved = variable["current"]["value"]
    saved = saved if isinstance(saved, list) else [saved]
    if variable["type"] != "query" or saved == [ALL]:
        return saved
    asked = _LABEL_VALUES.fullmatch(variable["query"]["query"])
    if asked is None:
        raise ValueError(f"variable {variable['name']}: only label_values(series, label) is understood")
    there = sorted(values(so_far.query(asked["series"], {}), asked["label"]))
    return saved if not there or saved[0] in there else there[:1]
