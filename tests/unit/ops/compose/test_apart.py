from pathlib import Path
from typing import Any

import pytest

from ops.compose import apart
from tests.unit.ops.compose.samples import sample


def _file(of: str, **changes: Any) -> dict[str, Any]:
    services = {f"store-{of}": {"image": f"own-{of}:latest", "build": "."}}
    return {"name": of, "services": services, "volumes": {f"{of}_data": None}, "networks": {of: None}} | changes


def test_two_files_that_share_nothing_are_apart() -> None:
    assert list(apart.overlap(_file("one"), _file("two"))) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": "one"}, "the project one"),
        ({"volumes": {"one_data": None}}, "the volume one_data"),
        ({"networks": {"one": None}}, "the network one"),
        ({"services": {"store-one": {}}}, "the service store-one"),
        ({"services": {"store-two": {"container_name": "one-store-one-1"}}}, "the container one-store-one-1"),
        ({"services": {"store-two": {"image": "own-one:latest", "build": "."}}}, "the own image own-one:latest"),
    ],
)
def test_what_is_shared_is_told(changes: dict[str, Any], says: str) -> None:
    assert [fault.says for fault in apart.overlap(_file("one"), _file("two", **changes))] == [f"{says} is in both"]


def test_a_port_that_two_want_is_told_with_both() -> None:
    one, other = sample("one"), sample("other", ports=["127.0.0.1:7001:7000", "127.0.0.1:7000:80"])
    (fault,) = apart.shared_ports([one], [other])
    assert fault.says == "port 7000 is wanted by one and by other"
    assert list(apart.shared_ports([one], [sample("other", ports=["127.0.0.1:7001:7000"])])) == []


def test_a_port_must_be_in_the_table(tmp_path: Path) -> None:
    assert len(list(apart.undocumented_ports([sample()], tmp_path))) == 1
    table = tmp_path / apart.PORTS_TABLE
    table.parent.mkdir()
    table.write_text("In the text 7000 does not count.\n\n| OTLP | 4317, 7000 |\n")
    assert list(apart.undocumented_ports([sample()], tmp_path)) == []
    table.write_text("In the text 7000 does not count.\n\n| OTLP | 4317, 70000 |\n")
    assert len(list(apart.undocumented_ports([sample()], tmp_path))) == 1


def test_a_mounted_path_must_be_there(tmp_path: Path) -> None:
    (fault,) = apart.unusable_mounts([sample()], tmp_path)
    assert fault.says == "./store/store.yml is mounted and is not there"


def test_a_mounted_path_must_be_readable_by_the_container_s_user(tmp_path: Path) -> None:
    file = tmp_path / "store" / "store.yml"
    file.parent.mkdir()
    file.touch(0o644)
    assert list(apart.unusable_mounts([sample()], tmp_path)) == []
    file.chmod(0o600)
    (fault,) = apart.unusable_mounts([sample()], tmp_path)
    assert "store/store.yml cannot be read by others" in fault.says


def test_who_may_read_everything_is_not_kept_from_a_secret(tmp_path: Path) -> None:
    file = tmp_path / "store" / "store.yml"
    file.parent.mkdir()
    file.touch(0o600)
    assert list(apart.unusable_mounts([sample(cap_add=["CHOWN", "DAC_OVERRIDE"])], tmp_path)) == []


def test_a_folder_is_looked_into(tmp_path: Path) -> None:
    inside = tmp_path / "rules" / "deep"
    inside.mkdir(parents=True)
    bind = {"type": "bind", "source": "./rules", "target": "/r", "read_only": True, "bind": {"create_host_path": False}}
    assert list(apart.unusable_mounts([sample(volumes=[bind])], tmp_path)) == []
    inside.chmod(0o744)
    (fault,) = apart.unusable_mounts([sample(volumes=[bind])], tmp_path)
    assert "rules/deep" in fault.says


def test_what_docker_makes_may_be_missing(tmp_path: Path) -> None:
    assert list(apart.unusable_mounts([sample(volumes=["./outputs:/outputs"])], tmp_path)) == []
