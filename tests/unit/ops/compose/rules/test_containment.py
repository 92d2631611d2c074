from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ops.compose.container import Container
from ops.compose.rules import containment
from tests.unit.ops.compose.samples import sample

Rule = Callable[[Container], Iterator[str]]
_RULES: list[Rule] = [
    containment.read_only_root,
    containment.no_capabilities,
    containment.no_added_capabilities,
    containment.no_new_privileges,
    containment.not_root,
    containment.not_the_host,
    containment.own_paths_only,
    containment.binds_read_only,
    containment.binds_not_made,
    containment.no_shown_secrets,
]


@pytest.mark.parametrize("rule", _RULES)
def test_a_hardened_service_keeps_the_rule(rule: Rule) -> None:
    assert list(rule(sample())) == []


def _bind(**changes: Any) -> list[Any]:
    bind = {"type": "bind", "source": "./a", "target": "/a", "read_only": True, "bind": {"create_host_path": False}}
    return [bind | changes]


@pytest.mark.parametrize(
    ("rule", "changes", "says"),
    [
        (containment.read_only_root, {"read_only": False}, "can be written to"),
        (containment.read_only_root, {"without": "read_only"}, "can be written to"),
        (containment.no_capabilities, {"without": "cap_drop"}, "keeps capabilities"),
        (containment.no_capabilities, {"cap_drop": ["NET_RAW"]}, "keeps capabilities"),
        (containment.no_added_capabilities, {"cap_add": ["SYS_ADMIN"]}, "SYS_ADMIN"),
        (containment.no_new_privileges, {"without": "security_opt"}, "gain privileges"),
        (containment.no_new_privileges, {"security_opt": ["no-new-privileges:false"]}, "gain privileges"),
        (containment.not_root, {"without": "user"}, "by number"),
        (containment.not_root, {"user": "nobody:nobody"}, "by number"),
        (containment.not_root, {"user": "10001"}, "by number"),
        (containment.not_root, {"user": "0:0"}, "as root"),
        (containment.not_the_host, {"privileged": True}, "privileged"),
        (containment.not_the_host, {"devices": ["/dev/sda"]}, "devices"),
        (containment.not_the_host, {"network_mode": "host"}, "network_mode"),
        (containment.not_the_host, {"pid": "host"}, "pid"),
        (containment.not_the_host, {"ipc": "container:other"}, "ipc"),
        (containment.own_paths_only, {"volumes": ["/var/run/docker.sock:/var/run/docker.sock:ro"]}, "docker.sock"),
        (containment.own_paths_only, {"volumes": ["/:/host:ro"]}, "sees / of the host"),
        (containment.own_paths_only, {"volumes": ["../other:/other:ro"]}, "sees ../other"),
        (containment.own_paths_only, {"volumes": ["./../other:/other:ro"]}, "sees ./../other"),
        (containment.binds_read_only, {"volumes": _bind(read_only=False)}, "write to ./a"),
        (containment.binds_read_only, {"volumes": ["./a:/a"]}, "write to ./a"),
        (containment.binds_not_made, {"volumes": ["./a:/a:ro"]}, "make ./a"),
        (containment.binds_not_made, {"volumes": _bind(bind={"create_host_path": True})}, "make ./a"),
        (containment.no_shown_secrets, {"environment": {"GF_SECURITY_ADMIN_PASSWORD": "admin"}}, "ADMIN_PASSWORD"),
        (containment.no_shown_secrets, {"environment": ["SLACK_TOKEN=abc"]}, "SLACK_TOKEN"),
    ],
)
def test_what_breaks_the_rule_is_told(rule: Rule, changes: dict[str, Any], says: str) -> None:
    (fault,) = rule(sample(**changes))
    assert says in fault
