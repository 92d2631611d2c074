import shutil
from pathlib import Path

import pytest

from ops.compose.checking import TOGETHER, check
from ops.compose.docker import Docker
from ops.compose.files import ROOT
from tests.fakes.docker_program import DockerProgram

_FILES = (*{name for files in TOGETHER for name in files}, ".env")
_FOLDERS = ("service", "frontend", "ops/compose", "otel", "prometheus", "dashboards", "documents", "docs")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The shipped files, so that one thing can be broken. What is mounted is there, and empty."""
    root = tmp_path / "root"
    for folder in _FOLDERS:
        (root / folder).mkdir(parents=True)
    for name in (*_FILES, "service/Dockerfile", "frontend/Dockerfile", "ops/compose/prepare.py", "docs/ports.md"):
        shutil.copy(ROOT / name, root / name)
    for name in (
        "prometheus/rules/production",
        "prometheus/rules/development",
        "prometheus/user",
        "prometheus/receivers",
        "prometheus/targets/production",
        "prometheus/targets/development",
    ):
        (root / name).mkdir(parents=True)
    for name in ("dashboards/provisioning", "dashboards/json"):
        (root / name).mkdir()
    for name in ("otel/collector.yml", "otel/tempo.yml", "prometheus/prometheus.yml", "prometheus/alertmanager.yml"):
        (root / name).touch(0o644)
    (root / "prometheus/targets/none.yml").touch(0o644)
    return root


def _docker(root: Path) -> DockerProgram:
    return DockerProgram(root.parent / "bin")


def test_the_shipped_files_are_fine_and_every_way_to_lay_them_is_validated(root: Path) -> None:
    said: list[str] = []
    program = _docker(root)
    assert check(program.client(root), root, said.append) == 0, said
    validated = [tuple(call.words[2:-2:2]) for call in program.calls if "config" in call.words]
    assert validated == list(TOGETHER)


def test_without_docker_the_rules_are_held_and_it_is_said(root: Path) -> None:
    said: list[str] = []
    assert check(Docker(str(root / "docker"), root), root, said.append) == 0
    assert said[0].startswith("not validated by Compose itself")


def test_what_compose_refuses_is_a_fault(root: Path) -> None:
    program = _docker(root)
    program.says("compose -f docker-compose.dev.yml config", err="volumes must be a mapping", status=15)
    said: list[str] = []
    assert check(program.client(root), root, said.append) == 1
    assert "docker-compose.dev.yml: Compose refuses it: volumes must be a mapping" in said


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("docker-compose.yml", "  read_only: true\n", "", "docker-compose.yml, rag-service: its root file system"),
        ("docker-compose.ports.yml", '"127.0.0.1:8000:8000"', '"8000:8000"', "port 8000 is published on every address"),
        ("docker-compose.dev.yml", "127.0.0.1:9092:9090", "127.0.0.1:9090:9090", "port 9090 is wanted by"),
        ("docker-compose.dev.yml", "127.0.0.1:9092:9090", "127.0.0.1:9099:9090", "port 9099 is not in docs/ports.md"),
        (".env", "prom/prometheus:v", "prom/prometheus:latest#", "is no fixed version"),
        ("docker-compose.dev.yml", "services:\n", "service:\n", "docker-compose.dev.yml is no Compose file"),
    ],
)
def test_what_is_broken_is_told(root: Path, name: str, old: str, new: str, says: str) -> None:
    text = (root / name).read_text()
    assert old in text
    (root / name).write_text(text.replace(old, new, 1))
    said: list[str] = []
    assert check(_docker(root).client(root), root, said.append) == 1
    assert any(says in line for line in said), said


def test_a_mounted_file_that_is_missing_is_told(root: Path) -> None:
    (root / "otel" / "tempo.yml").unlink()
    said: list[str] = []
    assert check(_docker(root).client(root), root, said.append) == 1
    assert any("./otel/tempo.yml is mounted and is not there" in line for line in said)
