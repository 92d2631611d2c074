"""Broken rules: every bound and every guard of the rules, changed one at a time. A suite that stays green with one of
them would not notice its loss.
"""

import json
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.rules.case import Case, run_files
from tests.rules.needed import as_json, parsed


@dataclass(frozen=True)
class Mutation:
    """`old` in a rule file is replaced by `new`; at least one of `cases` must then fail. `rule` and `part` are the only
    rule and the only part of it (`expr`, `for`, `keep_firing_for`) that is changed; "" = all."""

    name: str
    file: str
    old: str
    new: str
    cases: tuple[Case, ...]
    rule: str = ""
    part: str = ""


def survives(mutation: Mutation, rules: Mapping[str, str], *, evaluated: str = "1m") -> bool:
    """Whether no case notices. Raises `ValueError` for a void mutation: it changes nothing, or makes no rule at all."""
    original = rules[mutation.file]
    changed = broken(mutation, original)
    if changed == as_json(original):
        raise ValueError(f"{mutation.name}: {mutation.old!r} is in no rule of {mutation.file}")
    outcome = run_files(mutation.cases, {**rules, mutation.file: changed}, evaluated=evaluated)
    if "could not parse" in outcome.said:
        raise ValueError(f"{mutation.name}: would be noticed by anybody: {outcome.said}")
    return outcome.passed


def broken(mutation: Mutation, content: str) -> str:
    """The file with the change in it."""
    given = parsed(content)
    for group in given["groups"]:
        for rule in group["rules"]:
            if mutation.rule in ("", rule.get("alert"), rule.get("record")):
                for part in (mutation.part,) if mutation.part else ("expr", "for", "keep_firing_for"):
                    if part in rule:
                        rule[part] = rule[part].replace(mutation.old, mutation.new)
    return json.dumps(given)


def survivors(mutations: Iterable[Mutation], rules: Mapping[str, str], *, evaluated: str = "1m") -> list[str]:
    """Names of those that no case notices. promtool does the work, so threads are enough to have every core busy."""
    mutations = list(mutations)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        survived = pool.map(lambda mutation: survives(mutation, rules, evaluated=evaluated), mutations)
        return [mutation.name for mutation, lives in zip(mutations, survived, strict=True) if lives]
