"""All cases and all broken rules of this folder, and which rules of the shipped ones they are about."""

import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any

import promql_parser
import yaml

import tests.rules
from prometheus.__main__ import render
from prometheus.thresholds import of_environment
from tests.dashboards.promql import uses
from tests.rules.case import Case, Firing
from tests.rules.mutation import Mutation, broken

Rule = Mapping[str, Any]
LIMITS = of_environment("production")


@cache
def files(environment: str = "production") -> Mapping[str, str]:
    """The text of every file of rules."""
    return {name: text for name, text in render(of_environment(environment)).items() if name.endswith(".yml")}


@cache
def rules(environment: str = "production") -> Mapping[str, tuple[Rule, ...]]:
    """Rules by the file that they are in."""
    return {name: tuple(_rules(text)) for name, text in files(environment).items()}


def every(kind: str, environment: str = "production") -> dict[str, Rule]:
    """Alerts, or recorded values (`alert`, `record`), by name; of one name the last."""
    return {rule[kind]: rule for found in rules(environment).values() for rule in found if kind in rule}


@cache
def cases() -> tuple[Case, ...]:
    """Every case that a module of this folder has, those of the broken rules included."""
    return tuple(one for module in _modules() for value in vars(module).values() for one in _cases(value))


@cache
def mutations() -> tuple[Mutation, ...]:
    """Every broken rule."""
    return tuple(mutation for module in _modules() for mutation in getattr(module, "MUTATIONS", ()))


@cache
def fired() -> Mapping[str, tuple[tuple[Case, Firing], ...]]:
    """Where each alert fires, by its name."""
    found: dict[str, list[tuple[Case, Firing]]] = {}
    for case in cases():
        for firing in case.expected:
            if firing.labels:
                found.setdefault(firing.alert, []).append((case, firing))
    return {alert: tuple(where) for alert, where in found.items()}


def labels(alert: str) -> frozenset[str]:
    """Labels that an alert always has when it fires."""
    sets = [frozenset(given) | {"severity"} for _, firing in fired().get(alert, ()) for given in firing.labels]
    return frozenset.intersection(*sets) if sets else frozenset()


@cache
def below(name: str) -> frozenset[str]:
    """Recorded values that a rule reads, and those that these read."""
    named = [rule for found in rules().values() for rule in found if name in (rule.get("alert"), rule.get("record"))]
    recorded = frozenset(every("record"))
    direct = frozenset(use.metric for rule in named for use in uses(promql_parser.parse(rule["expr"]))) & recorded
    return direct.union(*(below(one) for one in direct - {name}))


def changed(mutation: Mutation) -> frozenset[str]:
    """Names of the rules that it breaks."""
    before, after = rules()[mutation.file], _rules(broken(mutation, files()[mutation.file]))
    pairs = zip(before, after, strict=True)
    return frozenset(str(old.get("alert") or old.get("record")) for old, new in pairs if old != new)


def _rules(text: str) -> list[Rule]:
    return [rule for group in yaml.load(text, yaml.CSafeLoader)["groups"] for rule in group["rules"]]


@cache
def _modules() -> tuple[Any, ...]:
    names = sorted(module.name for module in pkgutil.iter_modules(tests.rules.__path__))
    wanted = [name for name in names if name.endswith("_cases") or name.startswith(("mutations_", "test_"))]
    # The test that asks is not one of them.
    return tuple(import_module(f"tests.rules.{name}") for name in wanted if name != "test_links")


def _cases(value: object) -> Iterator[Case]:
    if isinstance(value, Case):
        yield value
    elif isinstance(value, Mutation):
        yield from value.cases
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _cases(inner)
    elif isinstance(value, tuple | list):
        for inner in value:
            yield from _cases(inner)
