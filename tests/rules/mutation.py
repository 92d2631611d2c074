"""Broken rules: every bound and every guard of the rules, changed one at a time. A suite that stays green with one of
them would not notice its loss.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from tests.rules.case import Case, run_files


@dataclass(frozen=True)
class Mutation:
    """`old` in a rule file is replaced by `new`; at least one of `cases` must then fail."""

    name: str
    file: str
    old: str
    new: str
    cases: tuple[Case, ...]


def survives(mutation: Mutation, rules: Mapping[str, str], *, evaluated: str = "1m") -> bool:
    """Whether no case notices. Raises `ValueError` when the rules have nothing to change: then the mutation is void."""
    # As promtool reads it: white space in a wrapped expression is one space.
    broken = " ".join(rules[mutation.file].split())
    if mutation.old not in broken:
        raise ValueError(f"{mutation.name}: {mutation.old!r} is not in {mutation.file}")
    changed = _changed(rules[mutation.file], lambda expr: expr.replace(mutation.old, mutation.new))
    if changed == rules[mutation.file]:
        raise ValueError(f"{mutation.name}: changes no expression of {mutation.file}")
    return run_files(mutation.cases, {**rules, mutation.file: changed}, evaluated=evaluated).passed


def _changed(content: str, change: Callable[[str], str]) -> str:
    import yaml

    given = yaml.safe_load(content)
    for group in given["groups"]:
        for rule in group["rules"]:
            for key in ("expr", "for", "keep_firing_for"):
                if key in rule:
                    rule[key] = change(rule[key])
    return yaml.safe_dump(given, sort_keys=False)


def survivors(mutations: Iterable[Mutation], rules: Mapping[str, str], *, evaluated: str = "1m") -> list[str]:
    """Names of those that no case notices."""
    return [mutation.name for mutation in mutations if survives(mutation, rules, evaluated=evaluated)]
