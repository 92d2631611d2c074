from pathlib import Path
from typing import Any

from ops.compose import linter
from ops.compose.exceptions import EXCUSES
from tests.unit.ops.compose.samples import VARIABLES, good_body, sample

_ROOT = Path("/nowhere")


def _file(**changes: Any) -> dict[str, Any]:
    networks = {"internal": {"internal": True}, "edge": None}
    return {"name": "sample", "services": {"store": good_body()}, "networks": networks} | changes


def _rules(content: dict[str, Any]) -> list[str]:
    return [fault.rule for fault in linter.lint_file(content, VARIABLES, _ROOT)]


def test_a_good_file_has_no_fault() -> None:
    assert _rules(_file()) == []


def test_every_rule_has_a_name_of_its_own() -> None:
    names = [rule.__name__ for rule in linter.RULES]
    assert len(names) == len(set(names)) == 22


def test_a_fault_names_service_and_rule() -> None:
    (fault,) = linter.lint_container(sample(read_only=False))
    assert str(fault).startswith("store: ")
    assert str(fault).endswith("(read_only_root)")


def test_a_service_with_a_reason_is_excused_from_that_rule_alone() -> None:
    faults = {fault.rule for fault in linter.lint_container(sample("collector-dev", without="healthcheck", user="0:0"))}
    assert faults == {"not_root"}


def test_a_reason_excuses_only_what_it_is_about() -> None:
    (fault,) = linter.lint_container(sample("prepare", cap_add=["CHOWN", "SYS_ADMIN"]))
    assert "SYS_ADMIN" in fault.says
    (fault, _) = linter.lint_container(sample("rag-service-dev", volumes=["./outputs:/outputs", "./data:/data"]))
    assert "./data" in fault.says


def test_a_reason_of_development_does_not_count_in_production() -> None:
    assert len(list(linter.lint_container(sample("rag-service", volumes=["./outputs:/outputs"])))) == 2


def test_a_file_needs_a_name_and_no_version() -> None:
    assert _rules(_file(name=None, version="3.8")) == ["named", "no_version"]


def test_a_network_that_is_not_there_is_told() -> None:
    assert _rules(_file(services={"store": good_body() | {"networks": ["other"]}})) == ["known_networks"]


def test_a_way_out_is_for_those_that_need_one() -> None:
    body = good_body() | {"networks": ["edge"]}
    assert _rules(_file(services={"store": body})) == ["way_out"]
    assert _rules(_file(services={"alertmanager-dev": body})) == []


def test_the_way_out_of_those_that_need_one_must_be_the_one_that_docker_takes() -> None:
    networks = {"edge": {"driver_opts": {"com.docker.network.bridge.enable_ip_masquerade": "false"}}, "internal": {}}
    networks |= {"internal": {"internal": True}, "alerts": {}, "way-out": {}}

    def rules(*names: str) -> list[str]:
        return _rules(_file(services={"alertmanager": good_body() | {"networks": list(names)}}, networks=networks))

    assert rules("edge", "internal", "alerts") == []
    assert rules("edge", "internal", "way-out") == ["way_out"]
    assert rules("internal") == ["way_out"]


def test_a_network_that_does_not_let_answers_back_has_no_way_out() -> None:
    assert linter.closed({"driver_opts": {"com.docker.network.bridge.enable_ip_masquerade": "false"}})
    assert linter.closed({"internal": True})
    assert not linter.closed({})
    assert not linter.closed({"internal": False})
    assert not linter.closed({"driver_opts": {"com.docker.network.bridge.enable_ip_masquerade": "true"}})


def test_a_reason_that_nothing_needs_is_told() -> None:
    assert len(list(linter.unused_excuses([sample()]))) == len(EXCUSES)
    needed = sample("collector", without="healthcheck")
    assert len(list(linter.unused_excuses([needed]))) == len(EXCUSES) - 1
