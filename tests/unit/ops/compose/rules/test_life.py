from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ops.compose.container import Container
from ops.compose.rules import life
from tests.unit.ops.compose.samples import sample

Rule = Callable[[Container], Iterator[str]]


@pytest.mark.parametrize("rule", [life.health, life.restarts, life.waits, life.ends_in_time])
def test_a_service_that_is_looked_after_keeps_the_rule(rule: Rule) -> None:
    assert list(rule(sample())) == []


@pytest.mark.parametrize(
    ("rule", "changes", "says"),
    [
        (life.health, {"without": "healthcheck"}, "not checked"),
        (life.health, {"healthcheck": {"disable": True}}, "not checked"),
        (life.health, {"healthcheck": {"test": ["NONE"]}}, "not checked"),
        (life.health, {"healthcheck": {"interval": "5s"}}, "not checked"),
        (life.restarts, {"without": "restart"}, "stays down"),
        (life.restarts, {"restart": "no"}, "stays down"),
        (life.waits, {"depends_on": ["other"]}, "does not wait"),
        (life.waits, {"depends_on": {"other": None}}, "of other"),
        (life.waits, {"depends_on": {"other": {"required": False}}}, "of other"),
        (life.ends_in_time, {"without": "stop_grace_period"}, "stop_grace_period"),
        (life.ends_in_time, {"stop_grace_period": "soon"}, "stop_grace_period"),
    ],
)
def test_what_breaks_the_rule_is_told(rule: Rule, changes: dict[str, Any], says: str) -> None:
    (fault,) = rule(sample(**changes))
    assert says in fault


@pytest.mark.parametrize(("name", "too_short"), [("tempo", "32s"), ("tempo-dev", "10s"), ("rag-service", "12s")])
def test_a_service_that_needs_long_must_be_given_long(name: str, too_short: str) -> None:
    (fault,) = life.ends_in_time(sample(name, stop_grace_period=too_short))
    assert "is killed after" in fault
    assert list(life.ends_in_time(sample(name, stop_grace_period="1m"))) == []


def test_the_check_may_be_in_the_dockerfile(tmp_path: Path) -> None:
    container = sample(root=tmp_path, without="healthcheck", build={"context": "."})
    assert list(life.health(container)) != []
    (tmp_path / "Dockerfile").write_text('FROM scratch\nHEALTHCHECK CMD ["store"]\n')
    assert list(life.health(container)) == []
    (tmp_path / "Dockerfile").write_text('FROM scratch\n# HEALTHCHECK CMD ["store"]\n')
    assert list(life.health(container)) != []
