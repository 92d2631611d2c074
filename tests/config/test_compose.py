"""The shipped Compose files, images and surroundings: hardened, apart from each other, and in step with the rest."""

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cache
from typing import Any

import pytest
import yaml

from ops.components.recipes import RECIPES
from ops.compose import linter
from ops.compose.checking import TOGETHER, faults_of
from ops.compose.container import Container
from ops.compose.docker import Docker, Unusable
from ops.compose.files import DEVELOPMENT, PRODUCTION, ROOT, WITH_PORTS, Installation, interpolate, read, read_variables
from ops.compose.pins import DOCKERFILES
from ops.stack import ports
from service.settings import Settings, load_settings
from tests.components.fixtures import absent, require

_BOTH = (PRODUCTION, DEVELOPMENT)
# The port that each service publishes on the host, and those that only `docker-compose.ports.yml` does in production.
_PAGE = {"production": 3000, "development": 3002}
_CHROMA = {"production": 8000, "development": 8003}
_KEPT_INSIDE = ("chromadb", "ollama", "collector", "tempo")
# What a service of development has like its namesake in production.
_SAME = (
    "user",
    "read_only",
    "cap_drop",
    "security_opt",
    "logging",
    "tmpfs",
    "mem_limit",
    "pids_limit",
    "cpus",
    "cpu_shares",
    "healthcheck",
    "stop_grace_period",
    "restart",
    "deploy",
    "init",
)


@cache
def _variables() -> dict[str, str]:
    return read_variables(ROOT / ".env")


@cache
def _content(file: str) -> dict[str, Any]:
    return read(ROOT / file)


@cache
def _services(file: str) -> dict[str, Container]:
    return {one.name: one for one in linter.containers(_content(file), _variables(), ROOT)}


def _documented(name: str, of: ports.Ports) -> dict[str, list[int]]:
    return {
        "rag-service": [of.service],
        "frontend": [_PAGE[name]],
        "chromadb": [_CHROMA[name]],
        "ollama": [of.ollama],
        "collector": [of.otlp_grpc, of.otlp_http],
        "tempo": [of.tempo],
        "prometheus": [of.prometheus],
        "alertmanager": [of.alertmanager],
        "grafana": [of.grafana],
    }


def _published(services: Mapping[str, Container]) -> dict[str, list[int]]:
    found = {one.role: [port.port for port in one.published] for one in services.values()}
    return {role: numbers for role, numbers in found.items() if numbers}


def test_the_files_keep_every_rule() -> None:
    assert list(map(str, faults_of(ROOT))) == []


@pytest.mark.parametrize("files", TOGETHER, ids=" + ".join)
def test_compose_itself_takes_them(files: tuple[str, ...]) -> None:
    docker = Docker(str(require("docker")))
    try:
        docker.check_compose()
    except Unusable as error:
        absent(str(error))
    assert docker.validate(files) == ""


def test_production_publishes_what_people_use_and_the_rest_where_it_is_asked_for() -> None:
    every = _documented("production", ports.PRODUCTION)
    assert _published(_services(PRODUCTION.file)) == {
        role: numbers for role, numbers in every.items() if role not in _KEPT_INSIDE
    }
    assert _published(_services(WITH_PORTS)) == {role: every[role] for role in _KEPT_INSIDE}


def test_development_publishes_everything() -> None:
    assert _published(_services(DEVELOPMENT.file)) == _documented("development", ports.DEVELOPMENT)


def test_names_are_those_that_commands_and_other_files_use() -> None:
    production, development = _services(PRODUCTION.file), _services(DEVELOPMENT.file)
    names = {name: one.body.get("container_name") for name, one in (production | development).items()}
    assert {name: fixed for name, fixed in names.items() if fixed} == {
        "rag-service": "emini-rag",
        "frontend": "config-frontend",
        "rag-service-dev": "emini-rag-dev",
        "frontend-dev": "config-frontend-dev",
        "chromadb-dev": "chromadb-dev",
        "ollama-dev": "ollama-dev",
    }
    assert {one.role for one in development.values()} == set(production) - {"dcgm-exporter"}
    assert (production["rag-service"].image, production["frontend"].image) == (
        "emini-rag:latest",
        "config-frontend:latest",
    )
    assert _content(PRODUCTION.file)["name"] == PRODUCTION.project
    assert _content(DEVELOPMENT.file)["name"] == DEVELOPMENT.project
    assert "chroma_data" in _content(PRODUCTION.file)["volumes"]
    assert {"chromadb_dev_data", "ollama_dev_data"} <= set(_content(DEVELOPMENT.file)["volumes"])


def test_a_service_of_development_also_has_its_name_in_production() -> None:
    for one in _services(DEVELOPMENT.file).values():
        if one.role != "prepare":
            assert one.networks["dev-network"] == {"aliases": [one.role]}


def test_development_differs_from_production_only_where_it_must() -> None:
    development = {one.role: one for one in _services(DEVELOPMENT.file).values()}
    for role, one in _services(PRODUCTION.file).items():
        if role in development:
            other = development[role]
            assert {key: one.body.get(key) for key in _SAME} == {key: other.body.get(key) for key in _SAME}
            assert one.image == other.image.replace("-dev:", ":")
            assert set(one.environment) == set(other.environment)
            assert len(one.volumes) == len(other.volumes)


def test_development_is_that_of_the_original_guide() -> None:
    service = _services(DEVELOPMENT.file)["rag-service-dev"]
    assert (service.environment["ENVIRONMENT"], interpolate(service.environment["LOG_LEVEL"], {})) == (
        "development",
        "DEBUG",
    )
    binds = {bind.target: (bind.source, bind.read_only) for bind in service.binds}
    assert binds["/workspace/documents"] == ("./documents", True)
    assert binds["/workspace/outputs"] == ("./outputs", False)
    assert binds["/workspace/service"] == ("./service", True)
    assert "watchfiles" in service.body["command"]
    assert service.body["command"][-1] == "service"


@pytest.mark.parametrize("installation", _BOTH, ids=lambda one: one.name)
def test_a_gpu_is_reserved_and_the_overlay_takes_it_back(installation: Installation) -> None:
    reserving = [name for name, one in _services(installation.file).items() if "deploy" in one.body]
    overlay = {
        name: body for name, body in read(ROOT / installation.without_gpu)["services"].items() if "deploy" in body
    }
    assert set(reserving) == set(overlay)
    assert all(body["deploy"] is None for body in overlay.values())
    for name in reserving:
        (device,) = _services(installation.file)[name].body["deploy"]["resources"]["reservations"]["devices"]
        assert device == {"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}


def test_without_a_gpu_none_is_scraped() -> None:
    (bind,) = _services(PRODUCTION.without_gpu)["prometheus"].binds
    assert (bind.source, bind.target) == ("./prometheus/targets/none.yml", "/etc/prometheus/targets/gpu.yml")
    assert yaml.safe_load((ROOT / bind.source).read_text()) == []
    gpu = yaml.safe_load((ROOT / "prometheus/targets/production/gpu.yml").read_text())
    assert gpu[0]["targets"] == ["dcgm-exporter:9400"]


@pytest.mark.parametrize("installation", _BOTH, ids=lambda one: one.name)
def test_what_is_scraped_and_told_is_a_service_of_the_installation(installation: Installation) -> None:
    roles = {one.role for one in _services(installation.file).values()}
    for file in (ROOT / "prometheus/targets" / installation.name).glob("*.yml"):
        for group in yaml.safe_load(file.read_text()):
            assert {target.partition(":")[0] for target in group["targets"]} <= roles
            assert group.get("labels", {}).get("deployment_environment_name", installation.name) == installation.name


def _mutants() -> Iterator[tuple[str, str, str]]:
    for installation in _BOTH:
        for name, one in _services(installation.file).items():
            for key in one.body:
                yield installation.file, name, key


_CAUGHT = {
    "read_only",
    "cap_drop",
    "security_opt",
    "user",
    "logging",
    "tmpfs",
    "mem_limit",
    "pids_limit",
    "restart",
    "stop_grace_period",
    "image",
    "networks",
}


@pytest.mark.parametrize(("file", "name", "key"), [one for one in _mutants() if one[2] in _CAUGHT])
def test_a_hardening_line_that_is_taken_away_is_noticed(file: str, name: str, key: str) -> None:
    content = deepcopy(_content(file))
    del content["services"][name][key]
    faults = list(linter.lint_file(content, _variables(), ROOT))
    excused = name.startswith("prepare") and key in {"restart", "stop_grace_period"}
    assert bool(faults) != excused


@pytest.mark.parametrize(("file", "name", "key"), [one for one in _mutants() if one[2] in {"cpus", "healthcheck"}])
def test_a_limit_or_a_check_that_is_taken_away_is_noticed(file: str, name: str, key: str) -> None:
    content = deepcopy(_content(file))
    del content["services"][name][key]
    excused = (name.removesuffix("-dev"), key) in {("ollama", "cpus"), ("prepare", "healthcheck")}
    assert bool(list(linter.lint_file(content, _variables(), ROOT))) != excused


@pytest.mark.parametrize(
    ("file", "line", "broken"),
    [
        ("docker-compose.yml", "internal: true", "internal: false"),
        (
            "docker-compose.yml",
            "networks: [edge, internal]\n    depends_on:\n      rag",
            "networks: [downloads]\n    depends_on:\n      rag",
        ),
        ("docker-compose.yml", 'enable_ip_masquerade: "false"', 'enable_ip_masquerade: "true"'),
        ("docker-compose.dev.yml", 'enable_ip_masquerade: "false"', 'enable_ip_masquerade: "true"'),
        ("docker-compose.yml", "stop_grace_period: 45s", "stop_grace_period: 30s"),
        ("docker-compose.yml", "cap_add: [CHOWN, ", "cap_add: [CHOWN, SYS_ADMIN, "),
        ("docker-compose.yml", '"127.0.0.1:9090:9090"', '"${RAG_BIND:-127.0.0.1}:9090:9090"'),
        ("docker-compose.yml", "create_host_path: false", "create_host_path: true"),
        ("docker-compose.yml", "ADMIN_PASSWORD__FILE: /run/grafana/admin_password", "ADMIN_PASSWORD: admin"),
        ("docker-compose.yml", "source: ./documents", "source: /var/run/docker.sock"),
    ],
)
def test_a_line_that_is_weakened_is_noticed(file: str, line: str, broken: str, tmp_path: Any) -> None:
    text = (ROOT / file).read_text()
    assert line in text
    (tmp_path / file).write_text(text.replace(line, broken, 1))
    assert list(linter.lint_file(read(tmp_path / file), _variables(), ROOT)) != []


@pytest.mark.parametrize("installation", _BOTH, ids=lambda one: one.name)
def test_the_service_takes_the_settings_that_its_container_gives_it(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in _services(installation.file)[installation.service].environment.items():
        monkeypatch.setenv(name, interpolate(value, {}))
    settings = load_settings()
    assert settings.environment == installation.name
    assert settings.server.allowed_hosts[0] == "rag-service"
    assert settings.traces_url == "http://collector:4318/v1/traces"


def test_the_collector_is_told_of_most_of_its_memory() -> None:
    body = _services(PRODUCTION.file)["collector"]
    assert body.environment["GOMEMLIMIT"] == f"{int(body.body['mem_limit'].removesuffix('m')) * 8 // 10}MiB"


def test_images_are_the_versions_that_the_tests_run() -> None:
    tags = {name: value.partition("@")[0].rpartition(":")[2].lstrip("v") for name, value in _variables().items()}
    for name, recipe in (
        ("COLLECTOR_IMAGE", "otelcol"),
        ("PROMETHEUS_IMAGE", "prometheus"),
        ("ALERTMANAGER_IMAGE", "alertmanager"),
    ):
        assert tags[name] == RECIPES[recipe].version
    # Go modules end before the version without the fault that `.env` tells of.
    ollama = [tuple(map(int, version.split("."))) for version in (tags["OLLAMA_IMAGE"], RECIPES["ollama"].version)]
    assert ollama[0] >= (0, 33, 3) > ollama[1]
    assert f"chromadb=={tags['CHROMA_IMAGE']} " in (ROOT / "requirements.txt").read_text()


@pytest.mark.parametrize(("variable", "file"), DOCKERFILES.items())
def test_a_dockerfile_by_itself_has_the_base_of_the_compose_files(variable: str, file: str) -> None:
    assert f"\nARG BASE={_variables()[variable]}\n" in (ROOT / file).read_text()


def test_only_what_the_image_needs_reaches_the_builder() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    wanted = {line[1:] for line in lines if line.startswith("!")}
    assert "*" in lines
    copied = re.findall(r"^COPY (?!--from)(\S+)", (ROOT / "service/Dockerfile").read_text(), re.MULTILINE)
    assert wanted == set(copied)


def test_nginx_lets_the_service_decide_first() -> None:
    """Its limits lie just above the service's own, so that the service's better words are what people see."""
    text = (ROOT / "frontend/nginx.conf").read_text()
    settings = Settings()
    (megabytes,) = re.findall(r"client_max_body_size (\d+)m;", text)
    (read_s,) = re.findall(r"proxy_read_timeout (\d+)s;", text)
    assert 0 < (int(megabytes) << 20) - settings.ingestion.max_file_bytes <= 1 << 20
    assert int(read_s) > settings.deadlines.total_s
    assert "listen 3000;" in text
    assert "set $service http://rag-service:8001;" in text


def test_production_scrapes_a_listener_that_its_container_opens() -> None:
    environment = _services(PRODUCTION.file)["rag-service"].environment
    assert environment["RAG_METRICS__HOST"] == environment["RAG_SERVER__HOST"] == "0.0.0.0"
    assert "EXPOSE 8001 9464\n" in (ROOT / "service/Dockerfile").read_text()
