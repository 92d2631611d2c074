from pathlib import Path

import pytest

from ops.compose.docker import Docker, Unusable
from ops.compose.pins import NotPinned, pin, wishes_of
from tests.fakes.docker_program import DockerProgram

_OLD = "sha256:" + "1" * 64
_NEW = "sha256:" + "2" * 64
_VARIABLES = f"""\
# Images.
PYTHON_IMAGE=python:3.11-slim@{_OLD}

STORE_IMAGE=example/store:1.2.3
OTHER=1
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / ".env").write_text(_VARIABLES)
    (tmp_path / "service").mkdir()
    (tmp_path / "service" / "Dockerfile").write_text(
        f"# base\nARG BASE=python:3.11-slim@{_OLD}\nFROM ${{BASE}}\nARG BASE_NOTE\n"
    )
    return tmp_path


@pytest.fixture
def program(tmp_path: Path) -> DockerProgram:
    program = DockerProgram(tmp_path / "bin")
    program.says("buildx imagetools inspect", f"{_NEW}\n")
    return program


def _lines(root: Path) -> list[str]:
    return (root / ".env").read_text().splitlines()


def test_every_image_gets_the_digest_that_the_registry_tells(program: DockerProgram, root: Path) -> None:
    said: list[str] = []
    pin(program.client(root), root, {}, said.append)

    assert _lines(root) == [
        "# Images.",
        f"PYTHON_IMAGE=python:3.11-slim@{_NEW}",
        "",
        f"STORE_IMAGE=example/store:1.2.3@{_NEW}",
        "OTHER=1",
    ]
    assert (root / "service" / "Dockerfile").read_text() == (
        f"# base\nARG BASE=python:3.11-slim@{_NEW}\nFROM ${{BASE}}\nARG BASE_NOTE\n"
    )
    assert said[1] == f"STORE_IMAGE: example/store:1.2.3@{_NEW} (was example/store:1.2.3)"
    assert [call.words[3] for call in program.calls] == ["python:3.11-slim", "example/store:1.2.3"]


def test_another_version_is_written_with_its_digest(program: DockerProgram, root: Path) -> None:
    pin(program.client(root), root, {"STORE_IMAGE": "example/store:1.3.0"}, lambda line: None)
    assert f"STORE_IMAGE=example/store:1.3.0@{_NEW}" in _lines(root)


def test_a_second_run_changes_nothing_and_says_so(program: DockerProgram, root: Path) -> None:
    pin(program.client(root), root, {}, lambda line: None)
    before = _lines(root)
    said: list[str] = []
    pin(program.client(root), root, {}, said.append)
    assert _lines(root) == before
    assert all(line.endswith("(as before)") for line in said)


def test_without_a_network_nothing_is_written(program: DockerProgram, root: Path) -> None:
    program.says("buildx imagetools inspect example/store", err="dial tcp: no such host", status=1)
    with pytest.raises(NotPinned, match=r"example/store:1\.2\.3; nothing was written.*no such host"):
        pin(program.client(root), root, {}, lambda line: None)
    assert (root / ".env").read_text() == _VARIABLES


def test_an_answer_that_is_no_digest_is_none(program: DockerProgram, root: Path) -> None:
    program.says("buildx imagetools inspect", "sha256:short")
    with pytest.raises(NotPinned, match="sha256:short"):
        pin(program.client(root), root, {}, lambda line: None)


@pytest.mark.parametrize("image", ["example/store", "example/store:latest"])
def test_a_wish_without_a_version_is_refused(program: DockerProgram, root: Path, image: str) -> None:
    with pytest.raises(NotPinned, match="no fixed version"):
        pin(program.client(root), root, {"STORE_IMAGE": image}, lambda line: None)
    assert program.calls == []


def test_a_wish_for_an_unknown_image_names_those_that_there_are(program: DockerProgram, root: Path) -> None:
    with pytest.raises(NotPinned, match="no image called STOR_IMAGE; it has PYTHON_IMAGE, STORE_IMAGE"):
        pin(program.client(root), root, {"STOR_IMAGE": "a:1.0"}, lambda line: None)


def test_without_docker_it_says_so(root: Path) -> None:
    with pytest.raises(Unusable, match="not on PATH"):
        pin(Docker(str(root / "docker"), root), root, {}, lambda line: None)


def test_wishes_are_read_from_words() -> None:
    assert wishes_of(["A_IMAGE=a:1.0", "B_IMAGE=b:2"]) == {"A_IMAGE": "a:1.0", "B_IMAGE": "b:2"}
    with pytest.raises(NotPinned, match="grafana/grafana"):
        wishes_of(["a:1.0"])
