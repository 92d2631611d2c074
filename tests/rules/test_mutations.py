"""A rule whose bound or guard is broken is noticed by a case; every module `mutations_*.py` has those of a part."""

import pkgutil
from importlib import import_module
from time import monotonic

import pytest

import tests.rules
from prometheus.__main__ import render
from prometheus.thresholds import of_environment
from tests.rules.mutation import Mutation, survivors

PARTS = sorted(
    module.name for module in pkgutil.iter_modules(tests.rules.__path__) if module.name.startswith("mutations_")
)


def _mutations(part: str) -> tuple[Mutation, ...]:
    return tuple(import_module(f"tests.rules.{part}").MUTATIONS)


@pytest.mark.parametrize("part", PARTS)
def test_every_broken_rule_is_noticed(part: str) -> None:
    mutations, began = _mutations(part), monotonic()
    survived = survivors(mutations, render(of_environment("production")))
    caught = len(mutations) - len(survived)
    print(f"{part}: {caught} of {len(mutations)} broken rules noticed, in {monotonic() - began:.0f} s")
    assert survived == []


def test_names_tell_them_apart() -> None:
    for part in PARTS:
        names = [mutation.name for mutation in _mutations(part)]
        assert names
        assert len(names) == len(set(names)), part
