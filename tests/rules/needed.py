"""Those rules of files that a case looks at: the alerts that it names, and whatever they read. The others would only
cost time, thousands of evaluations of them.
"""

import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import yaml

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_:]*:[a-zA-Z0-9_:]+")
Groups = list[dict[str, Any]]


def parsed(content: str) -> dict[str, Any]:
    """A file of rules, to be changed at will. JSON is YAML, and read and written many times as fast."""
    read: dict[str, Any] = json.loads(as_json(content))
    return read


@lru_cache
def as_json(content: str) -> str:
    return content if content.startswith("{") else json.dumps(yaml.safe_load(content))


def needed(rules: Mapping[str, str], alerts: Iterable[str], exprs: Iterable[str], *, texts: bool) -> dict[str, Groups]:
    """Groups by their file. `texts`: with annotations, and what those look up. Raises `ValueError` for an alert that no
    file has: it would be silent, and a case that says so would pass."""
    files = {file: parsed(content)["groups"] for file, content in rules.items()}
    every = [rule for groups in files.values() for group in groups for rule in group["rules"]]
    if not texts:
        for rule in every:
            rule.pop("annotations", None)
    asked = set(alerts)
    if missing := asked - {rule["alert"] for rule in every if "alert" in rule}:
        raise ValueError(f"no rule is called {', '.join(sorted(missing))}")
    kept = [rule for rule in every if rule.get("alert") in asked]
    names = _names([*exprs, *map(_read, kept)])
    found = {rule["record"]: rule for rule in every if "record" in rule}
    seen: set[str] = set()
    while new := (names & set(found)) - seen:
        seen |= new
        names |= _names(_read(found[name]) for name in new)
    return {file: _pruned(groups, asked | seen) for file, groups in files.items()}


def _pruned(groups: Groups, names: set[str]) -> Groups:
    left = [
        {**group, "rules": [rule for rule in group["rules"] if (rule.get("alert") or rule["record"]) in names]}
        for group in groups
    ]
    return [group for group in left if group["rules"]]


def _read(rule: Mapping[str, Any]) -> str:
    return " ".join([rule["expr"], *rule.get("annotations", {}).values()])


def _names(texts: Iterable[str]) -> set[str]:
    return {name for text in texts for name in _NAME.findall(text)}
