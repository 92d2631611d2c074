from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ops.compose.container import Container
from ops.compose.rules import limits
from tests.unit.ops.compose.samples import sample

Rule = Callable[[Container], Iterator[str]]
_RULES: list[Rule] = [limits.memory, limits.processes, limits.processor, limits.scratch, limits.logs]


@pytest.mark.parametrize("rule", _RULES)
def test_a_limited_service_keeps_the_rule(rule: Rule) -> None:
    assert list(rule(sample())) == []


@pytest.mark.parametrize(
    ("rule", "changes", "says"),
    [
        (limits.memory, {"without": "mem_limit"}, "no limit"),
        (limits.memory, {"mem_limit": 0}, "no limit"),
        (limits.memory, {"mem_limit": "${UNSET}"}, "no limit"),
        (limits.processes, {"without": "pids_limit"}, "no limit"),
        (limits.processes, {"pids_limit": 0}, "no limit"),
        (limits.processes, {"pids_limit": -1}, "no limit"),
        (limits.processor, {"without": "cpus"}, "no limit"),
        (limits.processor, {"cpus": "${STORE_CPUS:-0}"}, "no limit"),
        (limits.processor, {"cpus": "many"}, "no limit"),
        (limits.processor, {"cpus": 2.0}, "more than a small host has"),
        (limits.scratch, {"without": "tmpfs"}, "no place"),
        (limits.scratch, {"tmpfs": "/run:size=1m"}, "no place"),
        (limits.scratch, {"tmpfs": ["/tmp"]}, "half of the host's memory"),
        (limits.scratch, {"tmpfs": ["/tmp:size=1m", "/run:mode=1777"]}, "/run may grow"),
        (limits.logs, {"without": "logging"}, "for ever"),
        (limits.logs, {"logging": {"driver": "json-file"}}, "for ever"),
        (limits.logs, {"logging": {"options": {"max-size": "10m"}}}, "for ever"),
    ],
)
def test_what_breaks_the_rule_is_told(rule: Rule, changes: dict[str, Any], says: str) -> None:
    (fault,) = rule(sample(**changes))
    assert says in fault
