import json
import os
import socket
import stat
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ops.compose.docker import Unusable
from ops.compose.files import DEVELOPMENT, PRODUCTION
from ops.compose.starting import Order, Surroundings, files_of, start
from ops.stack.process import free_port
from tests.fakes.docker_program import Call, DockerProgram

_FILE = """\
name: sample
services:
  {service}:
    image: emini-rag:latest
    ports: ["${{RAG_BIND:-127.0.0.1}}:{port}:8001"]
    volumes:
      - type: bind
        source: ./documents
        target: /documents
        read_only: true
        bind: {{ create_host_path: false }}
"""
_READY = {"dependencies": [{"name": "ollama", "ok": True}]}


@dataclass
class Host:
    """A repository with both installations, a docker program, and what was said."""

    root: Path
    program: DockerProgram
    port: int
    settings: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def around(self) -> Surroundings:
        return Surroundings(
            self.program.client(self.root), self.root, self.settings, self.said.append, self.root, self._ready
        )

    def _ready(self, url: str) -> dict[str, object]:
        self.asked.append(url)
        return dict(_READY)

    @property
    def up(self) -> Call:
        (call,) = [call for call in self.program.calls if "up" in call.words]
        return call


@pytest.fixture
def host(tmp_path: Path) -> Host:
    root = tmp_path / "root"
    (root / "documents").mkdir(parents=True)
    (root / ".env").write_text("")
    port = free_port()
    for one in (PRODUCTION, DEVELOPMENT):
        (root / one.file).write_text(_FILE.format(service=one.service, port=port))
        (root / one.without_gpu).write_text(f"services: {{{one.service}: {{deploy: !reset null}}}}\n")
    (root / "docker-compose.ports.yml").write_text("services: {}\n")
    return Host(root, DockerProgram(tmp_path / "bin"), port)


def _give_gpu(host: Host) -> None:
    (host.root / "dev").mkdir()
    (host.root / "dev" / "nvidia0").touch()
    host.program.says("info", json.dumps({"Runtimes": {"nvidia": {}}}))


def test_without_a_gpu_the_overlay_is_laid_over_and_said(host: Host) -> None:
    assert start(Order(PRODUCTION), host.around()) == 0
    assert host.up.words[:5] == ("compose", "-f", "docker-compose.yml", "-f", "docker-compose.cpu.yml")
    assert {"--detach", "--wait", "--build"} <= set(host.up.words)
    assert host.said[0].startswith("models run on the processor: no NVIDIA device")


def test_with_a_gpu_the_file_stands_alone(host: Host) -> None:
    _give_gpu(host)
    assert start(Order(PRODUCTION), host.around()) == 0
    assert host.up.words[:4] == ("compose", "-f", "docker-compose.yml", "up")


@pytest.mark.parametrize(
    ("order", "with_gpu", "files"),
    [
        (Order(PRODUCTION), True, ["docker-compose.yml"]),
        (
            Order(PRODUCTION, ports=True),
            False,
            [
                "docker-compose.yml",
                "docker-compose.cpu.yml",
                "docker-compose.ports.yml",
            ],
        ),
        (Order(DEVELOPMENT, ports=True), True, ["docker-compose.dev.yml"]),
        (Order(DEVELOPMENT), False, ["docker-compose.dev.yml", "docker-compose.dev.cpu.yml"]),
    ],
)
def test_the_files_are_those_of_the_order(order: Order, with_gpu: bool, files: list[str]) -> None:
    assert files_of(order, with_gpu) == files


def test_in_the_end_it_tells_where_everything_is(host: Host) -> None:
    start(Order(PRODUCTION), host.around())
    assert any(line.split()[:2] == [f"http://localhost:{host.port}", "rag-service"] for line in host.said)
    assert any("admin_password" in line for line in host.said)
    assert host.asked == [f"http://localhost:{host.port}/readyz"]


def test_what_the_host_knows_is_handed_over_and_what_was_set_stays(host: Host) -> None:
    host.settings["REVISION"] = "mine"
    start(Order(PRODUCTION), host.around())
    assert float(host.up.environment["SERVICE_CPUS"]) == min(os.cpu_count() or 1, 4)
    assert host.up.environment.get("REVISION") == os.environ.get("REVISION")


def test_outside_a_repository_the_revision_is_unknown(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(host.root.parent))
    start(Order(PRODUCTION), host.around())
    assert host.up.environment["REVISION"] == "unknown"


def test_a_port_that_is_in_use_is_named_before_anything_starts(host: Host) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", host.port))
        other.listen()
        with pytest.raises(Unusable, match=rf"port {host.port} \(for rag-service\)"):
            start(Order(PRODUCTION), host.around())
    assert not any("up" in call.words for call in host.program.calls)


def test_a_port_that_its_own_container_holds_is_no_hindrance(host: Host) -> None:
    host.program.says("ps", f"127.0.0.1:{host.port}->8001/tcp\n")
    with socket.socket() as own:
        own.bind(("127.0.0.1", host.port))
        own.listen()
        assert start(Order(PRODUCTION), host.around()) == 0


def test_what_is_mounted_must_be_there_and_readable(host: Host) -> None:
    (host.root / "documents").chmod(0o700)
    with pytest.raises(Unusable, match=r"documents cannot be read by others: chmod"):
        start(Order(PRODUCTION), host.around())
    (host.root / "documents").rmdir()
    with pytest.raises(Unusable, match=r"\./documents is mounted and is not there"):
        start(Order(PRODUCTION), host.around())


def test_an_old_compose_is_told_first(host: Host) -> None:
    host.program.says("compose version --short", "2.17.3")
    with pytest.raises(Unusable, match="too old"):
        start(Order(PRODUCTION), host.around())
    assert len(host.program.calls) == 1


def test_a_start_that_fails_leads_to_the_logs(host: Host) -> None:
    host.program.says("compose -f", err="container emini-rag is unhealthy", status=1)
    assert start(Order(PRODUCTION), host.around()) == 1
    assert "docker compose -f docker-compose.yml -f docker-compose.cpu.yml ps --all" in host.said[-1]


def test_development_gets_a_folder_for_what_it_makes(host: Host) -> None:
    assert start(Order(DEVELOPMENT), host.around()) == 0
    folder = host.root / "outputs"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o1777
    folder.chmod(0o755)
    assert start(Order(DEVELOPMENT), host.around()) == 0
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755


def test_production_gets_no_such_folder(host: Host) -> None:
    start(Order(PRODUCTION), host.around())
    assert not (host.root / "outputs").exists()


def test_further_words_go_to_compose(host: Host) -> None:
    start(Order(PRODUCTION, extra=("--no-build",)), host.around())
    assert host.up.words[-1] == "--no-build"
