"""Every rule holds in the project, lets its good samples pass and finds its bad ones."""

import pytest

from tests.architecture.rule import Rule
from tests.architecture.rules import environment, layering, shape, signals, vendors
from tests.architecture.source import Source, sources

RULES = [
    rule
    for module in (vendors, environment, signals, layering, shape)
    for rule in vars(module).values()
    if isinstance(rule, Rule)
]
_SAMPLES_GOOD = [pytest.param(rule, source, id=f"{rule.name}: {source.path}") for rule in RULES for source in rule.good]
_SAMPLES_BAD = [pytest.param(rule, source, id=f"{rule.name}: {source.path}") for rule in RULES for source in rule.bad]


@pytest.fixture(scope="module")
def files() -> dict[str, list[Source]]:
    return {folder: sources(folder) for folder in ("service", "ops", "tests")}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_project_keeps(rule: Rule, files: dict[str, list[Source]]) -> None:
    found = [text for folder in rule.folders for source in files[folder] for text in rule.violations(source)]
    assert not found, "\n".join([f"{rule.name}:", *found])


@pytest.mark.parametrize(("rule", "source"), _SAMPLES_GOOD)
def test_lets_pass(rule: Rule, source: Source) -> None:
    assert rule.violations(source) == []


@pytest.mark.parametrize(("rule", "source"), _SAMPLES_BAD)
def test_finds(rule: Rule, source: Source) -> None:
    assert rule.violations(source), source.text


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_has_samples_of_both_kinds(rule: Rule) -> None:
    assert rule.good
    assert rule.bad


def test_there_is_something_to_look_at(files: dict[str, list[Source]]) -> None:
    assert len(files["service"]) > 50
