from pathlib import Path

import pytest

from ops.compose.__main__ import main
from ops.compose.docker import Docker
from tests.fakes.docker_program import DockerProgram


@pytest.fixture
def program(tmp_path: Path) -> DockerProgram:
    return DockerProgram(tmp_path / "bin")


def _run(program: DockerProgram, root: Path, *words: str) -> int:
    return main(words, program.client(root), root)


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["down"], ["-f docker-compose.dev.yml down", "-f docker-compose.yml down"]),
        (["down", "--dev"], ["-f docker-compose.dev.yml down"]),
        (["logs"], ["-f docker-compose.yml logs --follow --tail=100"]),
        (["logs", "--dev", "-f", "tempo-dev"], ["-f docker-compose.dev.yml logs -f tempo-dev"]),
    ],
)
def test_down_and_logs_are_those_of_compose(
    program: DockerProgram, tmp_path: Path, words: list[str], asked: list[str]
) -> None:
    assert _run(program, tmp_path, *words) == 0
    assert [" ".join(call.words) for call in program.calls[1:]] == [f"compose {one}" for one in asked]


def test_the_status_is_that_of_compose(program: DockerProgram, tmp_path: Path) -> None:
    program.says("compose -f docker-compose.dev.yml", status=5)
    assert _run(program, tmp_path, "down") == 5


def test_what_is_missing_is_told_with_a_status_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up"], Docker(str(tmp_path / "docker"), tmp_path), tmp_path) == 2
    assert "not on PATH" in capsys.readouterr().err


def test_a_folder_without_the_files_is_told(
    program: DockerProgram, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(program, tmp_path, "up") == 2
    assert ".env cannot be read" in capsys.readouterr().err
    assert _run(program, tmp_path, "check") == 1
    assert ".env cannot be read" in capsys.readouterr().out


def test_pins_take_a_version(program: DockerProgram, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ".env").write_text("STORE_IMAGE=example/store:1.0\n")
    program.says("buildx imagetools inspect example/store:1.1", "sha256:" + "a" * 64)
    assert _run(program, tmp_path, "pins", "STORE_IMAGE=example/store:1.1") == 0
    assert (tmp_path / ".env").read_text().startswith("STORE_IMAGE=example/store:1.1@sha256:aaa")
    assert _run(program, tmp_path, "pins") == 0
    assert _run(program, tmp_path, "pins", "STORE_IMAGE") == 1
    assert "write it like" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["start"], ["down", "now"], ["up", "--gpu", "--cpu"], ["check", "it"]])
def test_what_is_not_understood_shows_the_usage(program: DockerProgram, tmp_path: Path, words: list[str]) -> None:
    with pytest.raises(SystemExit):
        _run(program, tmp_path, *words)
    assert program.calls == []
