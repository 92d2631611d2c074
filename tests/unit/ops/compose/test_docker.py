import json
from pathlib import Path

import pytest

from ops.compose.docker import Docker, Unusable, version_of
from tests.fakes.docker_program import DockerProgram


@pytest.fixture
def program(tmp_path: Path) -> DockerProgram:
    return DockerProgram(tmp_path / "bin")


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("2.26.1-4\n", (2, 26, 1)),
        ("v2.24.0-desktop.1", (2, 24, 0)),
        ("Docker Compose version v5.0.2", (5, 0, 2)),
        ("docker-compose version 1.29.2, build unknown", (1, 29, 2)),
        ("2.40", (2, 40, 0)),
        ("dev", ()),
        ("", ()),
    ],
)
def test_the_version_is_found_in_whatever_it_says(text: str, version: tuple[int, ...]) -> None:
    assert version_of(text) == version


@pytest.mark.parametrize("version", ["2.24.0", "2.26.1-4", "v5.0.2"])
def test_a_new_enough_compose_is_fine(program: DockerProgram, tmp_path: Path, version: str) -> None:
    program.says("compose version --short", version)
    assert program.client(tmp_path).check_compose() >= (2, 24)


@pytest.mark.parametrize("version", ["2.23.3", "v2.3.4", "1.29.2"])
def test_an_old_compose_is_named_with_what_is_needed(program: DockerProgram, tmp_path: Path, version: str) -> None:
    program.says("compose version --short", version)
    with pytest.raises(Unusable, match=r"is too old: 2\.24 or newer"):
        program.client(tmp_path).check_compose()


def test_a_docker_without_compose_says_what_to_install(program: DockerProgram, tmp_path: Path) -> None:
    program.says("compose version --short", err="docker: unknown command: docker compose", status=1)
    with pytest.raises(Unusable, match="docker-compose-plugin"):
        program.client(tmp_path).check_compose()


def test_the_compose_of_old_is_no_compose(
    program: DockerProgram, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program.says("compose version --short", status=1)
    old = tmp_path / "bin" / "docker-compose"
    old.write_text("#!/bin/sh\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(old.parent))
    with pytest.raises(Unusable, match="`docker-compose` on PATH is another program"):
        program.client(tmp_path).check_compose()


def test_a_missing_docker_says_what_works_without(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="`make run`"):
        Docker(str(tmp_path / "docker"), tmp_path).check_compose()


def test_the_engine_tells_about_itself(program: DockerProgram, tmp_path: Path) -> None:
    program.says("info", json.dumps({"Runtimes": {"nvidia": {}}}))
    assert program.client(tmp_path).info() == {"Runtimes": {"nvidia": {}}}


@pytest.mark.parametrize(
    ("out", "err", "status"),
    [
        ("", "Cannot connect to the Docker daemon", 1),
        # What newer clients do: no error status, and the failure among the answers.
        (json.dumps({"ServerErrors": ["Cannot connect to the Docker daemon"]}), "", 0),
    ],
)
def test_an_engine_that_is_down_is_told(
    program: DockerProgram, tmp_path: Path, out: str, err: str, status: int
) -> None:
    program.says("info", out, err=err, status=status)
    with pytest.raises(Unusable, match=r"start it .* Cannot connect"):
        program.client(tmp_path).info()


def test_an_engine_that_this_user_may_not_talk_to_is_told_as_that(program: DockerProgram, tmp_path: Path) -> None:
    program.says("info", err="permission denied while trying to connect to the Docker daemon socket", status=1)
    with pytest.raises(Unusable, match="the group docker"):
        program.client(tmp_path).info()


def test_the_ports_of_a_project_are_those_of_its_running_containers(program: DockerProgram, tmp_path: Path) -> None:
    program.says("ps", "127.0.0.1:8001->8001/tcp, 9464/tcp\n127.0.0.1:3001->3000/tcp\n\n")
    assert program.client(tmp_path).ports_of("emini-rag") == {8001, 3001}
    assert "label=com.docker.compose.project=emini-rag" in program.calls[-1].words


def test_compose_runs_in_the_repository_with_the_settings_laid_over(program: DockerProgram, tmp_path: Path) -> None:
    program.says("compose -f", status=7)
    assert program.client(tmp_path).compose(["a.yml", "b.yml"], ["up", "-d"], {"REVISION": "abc"}) == 7
    (call,) = program.calls
    assert call.words == ("compose", "-f", "a.yml", "-f", "b.yml", "up", "-d")
    assert call.environment["REVISION"] == "abc"
    assert call.folder == str(tmp_path)


def test_validating_gives_what_compose_says(program: DockerProgram, tmp_path: Path) -> None:
    client = program.client(tmp_path)
    assert client.validate(["a.yml"]) == ""
    program.says("compose -f a.yml config", err="services.a must be a mapping\n", status=15)
    assert client.validate(["a.yml"]) == "services.a must be a mapping"


def test_a_program_that_hangs_is_told(tmp_path: Path) -> None:
    hanging = tmp_path / "docker"
    hanging.write_text("#!/bin/sh\nexec sleep 30\n")
    hanging.chmod(0o755)
    with pytest.raises(Unusable, match="did not answer within"):
        Docker(str(hanging), tmp_path).ask("info", timeout_s=0.05)
