"""Both Compose files as they are shipped, on a real Docker engine: see tests/components/compose_project.py."""

import json
import os
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from ops.compose.files import DEVELOPMENT, PRODUCTION, WITH_PORTS
from ops.stack.process import wait_until
from tests.components import tiny_gguf
from tests.components.compose_checkpoints import ComposeCheckpoints
from tests.components.compose_project import ComposeProject, copy_checkout
from tests.components.docker_engine import Docker
from tests.components.docker_images import Images, make_chroma
from tests.components.ollama import CHAT_MODELS, EMBEDDING_MODEL, OllamaClient
from tests.components.prometheus_api import PrometheusApi
from tests.server_sent import events_of

REQUEST_S = 60.0
KILLED = 137  # 128 + SIGKILL: what Docker makes of a container that did not end within its time
LEAST_BUFFER = 4096  # nginx gives on what it buffers once so much is there
ENDLESS = "llama3.1:latest"  # runs to the length limit: see `models`
ANSWER_TOKENS = 600


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="module")
def production(docker: Docker, images: Images, checkout: Path) -> Iterator[ComposeProject]:
    project = ComposeProject(docker, images, checkout, PRODUCTION, (WITH_PORTS,))
    try:
        project.build()
        make_chroma(docker, images, "emini-rag:latest")
        project.up()
        yield project
    finally:
        project.remove()


@pytest.fixture(scope="module")
def development(docker: Docker, images: Images, checkout: Path, production: ComposeProject) -> Iterator[ComposeProject]:
    project = ComposeProject(docker, images, checkout, DEVELOPMENT)
    try:
        project.build()
        project.up()
        yield project
    finally:
        project.remove()


@pytest.fixture(scope="module")
def models(production: ComposeProject, tmp_path_factory: pytest.TempPathFactory) -> OllamaClient:
    """Tiny models under the default names, put into the running Ollama as `emini-rag models pull` would."""
    folder = tmp_path_factory.mktemp("models")
    client = OllamaClient(production.url("ollama", 11434))
    client.import_tiny((*CHAT_MODELS, EMBEDDING_MODEL), EMBEDDING_MODEL, folder)
    tiny_gguf.write_chat_model(folder / "endless.gguf", seed=3, ends=False)
    client.create(ENDLESS, (folder / "endless.gguf").read_bytes())
    return client


def get(url: str, **more: Any) -> httpx.Response:
    return httpx.get(url, timeout=REQUEST_S, trust_env=False, **more)


def ask(url: str, query: str, **fields: Any) -> dict[str, Any]:
    reply = httpx.post(f"{url}/ask", json={"query": query, **fields}, timeout=REQUEST_S, trust_env=False)
    assert reply.status_code == 200, reply.text
    return dict(reply.json())


def service_url(project: ComposeProject) -> str:
    return project.url(project.installation.service, 8001)


def suffixed(project: ComposeProject, role: str) -> str:
    """What a service of production is called in this project."""
    return f"{role}-dev" if project.installation is DEVELOPMENT else role


def prometheus_of(project: ComposeProject) -> PrometheusApi:
    return PrometheusApi(project.url(suffixed(project, "prometheus"), 9090))


def embedded(url: str) -> bool:
    state = get(f"{url}/documents").json()
    return bool(state["documents"]) and bool(state["embedder"]) and state["pending_vectors"] == 0


def processes(container: dict[str, Any], docker: Docker) -> list[Path]:
    """Where the kernel tells about each process of a container."""
    pids = docker.lines("top", container["Id"], "-eo", "pid")[1:]
    return [Path("/proc", pid.strip()) for pid in pids]


def status_of(process: Path) -> dict[str, str]:
    lines = (line.partition(":") for line in (process / "status").read_text().splitlines())
    return {name: value.strip() for name, _, value in lines}


def test_all_that_can_be_had_comes_up_well(production: ComposeProject) -> None:
    wanted = {"rag-service", "frontend", "chromadb", "collector", "prometheus", "alertmanager", "ollama"}
    assert wanted <= set(production.started)
    for name in production.started:
        container = production.container(name)
        state = container["State"]
        assert (state["Status"], container["RestartCount"]) == ("running", 0), name
        assert state.get("Health", {"Status": "healthy"})["Status"] == "healthy", name


@pytest.mark.parametrize("role", ["tempo", "grafana"])
def test_what_no_registry_serves(production: ComposeProject, images: Images, role: str) -> None:
    if role in production.absent:
        pytest.skip(f"Compose ran without {role}: {images.absent[f'{role.upper()}_IMAGE']}")
    assert production.container(role)["State"]["Health"]["Status"] == "healthy"


def test_no_container_may_do_more_than_it_must(production: ComposeProject, docker: Docker) -> None:
    for name in production.started:
        container = production.container(name)
        host = container["HostConfig"]
        assert host["ReadonlyRootfs"], name
        assert not host["Privileged"], name
        assert host["CapDrop"] == ["ALL"], name
        assert not host["CapAdd"], name
        assert "no-new-privileges:true" in host["SecurityOpt"], name
        assert host["Memory"] > 0, name
        assert host["PidsLimit"] > 0, name
        assert host["LogConfig"]["Config"]["max-size"], name
        assert not any("docker.sock" in mount.get("Source", "") for mount in container["Mounts"]), name
        found = processes(container, docker)
        assert found, name
        for process in found:
            status = status_of(process)
            assert "0" not in status["Uid"].split(), f"{name} runs as root"
            assert "0" not in status["Gid"].split() or name == "grafana", f"{name} runs in the group root"
            assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == int(status["CapBnd"], 16) == 0, name
            assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2"), name
            root = next(
                line.split() for line in (process / "mountinfo").read_text().splitlines() if line.split()[4] == "/"
            )
            assert "ro" in root[5].split(","), f"{name} can write to its root"


def test_ports_are_published_on_loopback_only(production: ComposeProject) -> None:
    for name in production.started:
        for published in production.container(name)["NetworkSettings"]["Ports"].values():
            assert {one["HostIp"] for one in published or []} <= {"127.0.0.1"}, name


def test_a_first_start_without_models_answers_and_says_what_to_do(production: ComposeProject) -> None:
    url = service_url(production)
    answer = ask(url, "What is momentum trading?")
    assert answer["mode"] == "extractive"
    assert answer["citations"][0]["source"] == "momentum-trading.md"
    assert "no suitable language model" in answer["notice"]
    assert get(f"{url}/readyz").json()["status"] == "ready"
    assert "emini-rag models pull" in production.compose("logs", "--no-color", "rag-service")


def test_with_models_a_question_is_answered_through_the_published_port(
    production: ComposeProject, models: OllamaClient
) -> None:
    url = service_url(production)
    wait_until(lambda: embedded(url), 120, "every document has its vectors in Chroma")
    wait_until(lambda: ask(url, "What is VWAP?", cache={"no-cache": True})["mode"] == "generated", 60, "it generates")
    answer = ask(url, "What is a stop order?")
    assert answer["mode"] == "generated"
    assert answer["citations"]
    assert not answer["degraded"]


def test_the_frontend_passes_tokens_as_they_come(production: ComposeProject, models: OllamaClient) -> None:
    """A proxy that buffers would give on nothing before the end or before a whole buffer is there. How much comes at
    once is chance, so a few answers may be needed to see less than a buffer; of one that buffers no answer shows it."""
    url = f"{production.url('frontend', 3000)}/api/ask"
    body = {"model": ENDLESS, "stream": True, "max_tokens": ANSWER_TOKENS, "cache": {"no-cache": True}}
    early = False
    for query in ("What is momentum?", "What is a gap?", "What is slippage?", "What is beta?", "What is delta?"):
        come = b""
        with httpx.stream("POST", url, json={"query": query, **body}, timeout=REQUEST_S, trust_env=False) as reply:
            assert reply.status_code == 200
            for chunk in reply.iter_raw():
                come += chunk
                early = early or (len(come) < LEAST_BUFFER and b"event: token" in come)
        kinds = [kind for kind, _ in events_of(come.decode())]
        assert kinds[-1] == "done"
        assert kinds.count("token") > ANSWER_TOKENS / 4
        assert len(come) > 4 * LEAST_BUFFER
        if early:
            break
    assert early


def test_the_frontend_serves_page_and_api_and_hides_metrics(production: ComposeProject) -> None:
    url = production.url("frontend", 3000)
    page = get(f"{url}/")
    assert page.headers["content-type"].startswith("text/html")
    assert "emini-rag" in page.text
    assert "script-src 'self'" in page.headers["content-security-policy"]
    scripts = re.findall(r'"(console/[^"]+)"', page.text)
    assert scripts
    for script in scripts:
        assert get(f"{url}/{script}").headers["x-content-type-options"] == "nosniff"
    tag = get(f"{url}/{scripts[0]}").headers["etag"]
    assert get(f"{url}/{scripts[0]}", headers={"if-none-match": tag}).status_code == 304
    assert get(f"{url}/api/healthz").json()["status"] == "ok"
    assert get(f"{url}/metrics").status_code == 404
    too_large = httpx.post(f"{url}/api/documents", content=b"x" * (22 << 20), timeout=REQUEST_S, trust_env=False)
    assert (too_large.status_code, too_large.json()["kind"]) == (413, "too_large")
    foreign = get(f"{url}/api/healthz", headers={"host": "evil.example"})
    assert foreign.status_code in {400, 403, 421}, "DNS rebinding"


def test_prometheus_finds_every_target_up(production: ComposeProject) -> None:
    check_targets(production)


def check_targets(project: ComposeProject) -> None:
    """What cannot be had is down, and nothing else is."""
    prometheus = prometheus_of(project)
    absent = {name.removesuffix("-dev") for name in project.absent}

    def states() -> dict[str, str]:
        return {job: one["health"] for job, one in prometheus.targets().items()}

    def settled() -> bool:
        return "unknown" not in states().values()

    wait_until(settled, 60, "every target was scraped once")
    expected_up = {"emini-rag", "otelcol", "prometheus", "alertmanager"}
    assert expected_up <= set(states())
    try:
        wait_until(lambda: {job for job, health in states().items() if health != "up"} <= absent, 60, "targets are up")
    finally:
        down = {job: one["lastError"] for job, one in prometheus.targets().items() if one["health"] != "up"}
        print(f"not up: {down}; not to be had: {absent}")
    assert prometheus.alertmanagers()


def test_the_trace_of_an_answer_arrives(production: ComposeProject) -> None:
    trace_id = ask(service_url(production), "What is a limit order?")["trace_id"]
    prometheus = prometheus_of(production)
    if "tempo" in production.absent:
        wait_until(
            lambda: any(span["trace_id"] == trace_id and span["kind"] == "server" for span in production.spans()),
            60,
            "the trace is where Tempo would be",
        )
    else:
        tempo = production.url("tempo", 3200)
        wait_until(lambda: get(f"{tempo}/api/traces/{trace_id}").status_code == 200, 60, "the trace is in Tempo")
    for what in ("receiver_accepted", "exporter_sent"):
        prometheus.until(f'sum({{job="otelcol", __name__=~"otelcol_{what}_spans(_total)?"}})', timeout_s=60)


def test_a_service_that_dies_is_started_again(production: ComposeProject) -> None:
    container = production.container("rag-service")
    url = service_url(production)
    for process in processes(container, production.docker):
        os.kill(int(process.name), 9)
    wait_until(lambda: production.container("rag-service")["RestartCount"] == 1, 30, "Docker has started it again")
    wait_until(lambda: answers_with(f"{url}/readyz", 200), 60, "it is ready again")
    assert ask(url, "What is VWAP?")["citations"]


def test_the_frontend_says_when_the_service_is_away_and_finds_it_again(production: ComposeProject) -> None:
    url = production.url("frontend", 3000)
    production.compose("stop", "rag-service")
    away = get(f"{url}/api/healthz")
    assert (away.status_code, away.json()["kind"]) == (503, "connection_error")
    assert away.headers["retry-after"]
    # Another container, which may have another address.
    production.compose("up", "--detach", "--no-build", "--no-deps", "--force-recreate", "rag-service")
    wait_until(lambda: answers_with(f"{url}/api/readyz", 200), 60, "the frontend reaches it")


def answers_with(url: str, status: int) -> bool:
    try:
        return get(url).status_code == status
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def checkpoints(
    production: ComposeProject, models: OllamaClient, tmp_path_factory: pytest.TempPathFactory
) -> ComposeCheckpoints:
    """With one of them, `first`, which has every part but the images, which are a gigabyte."""
    wait_until(lambda: embedded(service_url(production)), 120, "every document has its vectors")
    made = ComposeCheckpoints(production, tmp_path_factory.mktemp("checkpoints") / "all")
    options = ["first", "--with-prometheus", "--with-grafana", "--prometheus", production.url("prometheus", 9090)]
    refused = made.command("create", *options)
    assert refused.returncode == 1
    assert "PROMETHEUS_ADMIN_API=--web.enable-admin-api" in refused.stderr
    again = ("up", "--detach", "--no-build", "--no-deps", "--wait", "prometheus")
    production.compose(*again, settings={"PROMETHEUS_ADMIN_API": "--web.enable-admin-api"})
    options[-1] = production.url("prometheus", 9090)
    with made.grafana_at_work():
        made.told("create", *options)
    return made


def test_a_checkpoint_has_every_part(checkpoints: ComposeCheckpoints, docker: Docker) -> None:
    manifest = checkpoints.told("show", "first")
    assert manifest["corpus"]["found_themselves"] == manifest["corpus"]["looked_for"] > 0
    assert manifest["installation"] == "Compose project emini-rag"
    assert next(one["id"] for one in manifest["images"] if one["service"] == "rag-service").startswith("sha256:")
    assert any(name.startswith("prometheus/") and name.endswith("/chunks/000001") for name in manifest["files"])
    assert {path.stat().st_uid for path in checkpoints.archive.rglob("*")} == {os.getuid()}
    with closing(sqlite3.connect(checkpoints.archive / "first" / "grafana.db")) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("SELECT count(*) FROM user").fetchone()[0] > 0
    # Prometheus holds what a snapshot shows on its disk for as long as that is there.
    assert in_volume(docker, "emini-rag_prometheus_data", "ls", "/v/snapshots") == ""


def in_volume(docker: Docker, volume: str, program: str, *words: str) -> str:
    mounted = ["--rm", "--network=none", "--user=0:0", f"--volume={volume}:/v", f"--entrypoint={program}"]
    return docker.run("run", *mounted, "emini-rag:latest", *words)


def test_going_back_to_a_checkpoint_and_forth(checkpoints: ComposeCheckpoints, docker: Docker) -> None:
    url = service_url(checkpoints.project)
    content = b"# Later\n\nGrobbling came after the checkpoint.\n"
    added = httpx.post(f"{url}/documents", files={"file": ("later.md", content)}, timeout=REQUEST_S, trust_env=False)
    assert added.status_code == 201, added.text
    kept = checkpoints.told("restore", "first", "--yes")["kept"]
    assert "later.md" not in sources(url)
    assert ask(url, "What is VWAP?", cache={"no-cache": True})["mode"] == "generated"
    assert not ask(url, "What is a gap?", cache={"no-cache": True})["degraded"], "Chroma has its vectors"
    # Forth again, killed when everything was stopped: Docker starts the service, which cannot bring it to its end.
    checkpoints.half_restored(kept)
    checkpoints.project.compose("start", "chromadb", "rag-service")
    wait_until(lambda: checkpoints.project.container("rag-service")["RestartCount"] > 0, 60, "the service refuses")
    assert "emini-rag checkpoint recover" in checkpoints.project.compose("logs", "--no-color", "rag-service")
    ended = checkpoints.command("recover")
    assert ended.returncode == 0, ended.stderr
    assert "20 known questions are answered as then" in ended.stderr
    assert "later.md" in sources(url)
    assert ask(url, "What does grobbling mean?")["citations"][0]["source"] == "later.md"
    for volume in ("emini-rag_rag_data", "emini-rag_chroma_data"):
        assert set(in_volume(docker, volume, "find", "/v", "-printf", "%U\n").split()) == {"10001"}
        left = in_volume(docker, volume, "ls", "-A", "/v").split()
        assert not {".restore", "restore.json"} & set(left)


def sources(url: str) -> set[str]:
    return {one["source"] for one in get(f"{url}/documents").json()["documents"]}


def test_everything_ends_in_time_and_keeps_its_data(production: ComposeProject, models: OllamaClient) -> None:
    url = service_url(production)
    content = b"# Kept\n\nFribbling means keeping a document over a new installation.\n"
    added = httpx.post(f"{url}/documents", files={"file": ("kept.md", content)}, timeout=REQUEST_S, trust_env=False)
    assert added.status_code == 201, added.text
    wait_until(lambda: embedded(url), 60, "it has its vectors")
    installed = {model["name"] for model in models.request("GET", "/api/tags")["models"]}
    stopped_at = time.time()

    production.compose("stop")
    exits = {name: production.container(name)["State"]["ExitCode"] for name in production.started}
    assert KILLED not in exits.values(), exits
    assert exits["rag-service"] == exits["frontend"] == 0, exits

    production.down()
    production.up()
    answer = ask(service_url(production), "What does fribbling mean?")
    assert answer["citations"][0]["source"] == "kept.md"
    assert not answer["degraded"], "Chroma has its vectors and Ollama its models"
    models.url = production.url("ollama", 11434)
    assert {model["name"] for model in models.request("GET", "/api/tags")["models"]} == installed
    scrapes = prometheus_of(production).samples('up{job="emini-rag"}[1h]')
    assert min(at for series in scrapes for at, _ in series) < stopped_at


def test_development_stands_beside_production_and_shares_nothing(
    production: ComposeProject, development: ComposeProject, docker: Docker
) -> None:
    of_both = [held(project) for project in (production, development)]
    assert all(names for kinds in of_both for names in kinds.values())
    for kind, names in of_both[0].items():
        assert not names & of_both[1][kind], kind
    for project, environment in ((production, "production"), (development, "development")):
        assert get(f"{service_url(project)}/healthz").json()["environment"] == environment
        frontend = project.url(suffixed(project, "frontend"), 3000)
        assert get(f"{frontend}/api/healthz").json()["environment"] == environment
        trace_id = ask(service_url(project), f"What is volatility in {environment}?")["trace_id"]
        check_targets(project)
        prometheus_of(project).until("sum(rag_requests_total) or vector(1)")
        assert prometheus_of(project).label_values("deployment_environment_name") == {environment}
        if "tempo" in production.absent:
            other = development if project is production else production
            wait_until(lambda: trace_id in traces(project), 60, f"the trace of {environment} arrives")  # noqa: B023
            assert trace_id not in traces(other)
            assert {span["resource"]["deployment.environment.name"] for span in project.spans()} == {environment}


def traces(project: ComposeProject) -> set[str]:
    return {span["trace_id"] for span in project.spans()}


def held(project: ComposeProject) -> dict[str, set[str]]:
    """What the containers of a project hold on their host."""
    containers = [project.container(name) for name in project.started]
    published = [one for container in containers for one in container["NetworkSettings"]["Ports"].values() if one]
    return {
        "containers": {container["Name"] for container in containers},
        "networks": {network for container in containers for network in container["NetworkSettings"]["Networks"]},
        "volumes": {mount["Name"] for one in containers for mount in one["Mounts"] if mount["Type"] == "volume"},
        "ports": {one["HostPort"] for ports in published for one in ports},
    }


def test_a_changed_file_starts_the_development_service_anew(development: ComposeProject) -> None:
    """Not only is it started again: what it then says is in the file that was changed."""
    url = service_url(development)
    before = get(f"{url}/healthz").json()
    file = development.checkout / "service" / "version.py"
    text = file.read_text()
    file.write_text(text.replace("return version\n", "return f'new {version}'\n"))
    wait_until(lambda: version_at(url) == f"new {before['version']}", 60, "the service runs what was changed")
    container = development.container("rag-service-dev")
    assert container["RestartCount"] == 0, "the watcher starts it anew, not Docker"
    file.write_text(text)
    wait_until(lambda: version_at(url) == before["version"], 60, "the service runs what it was before")


def version_at(url: str) -> str:
    try:
        return str(get(f"{url}/healthz").json()["version"])
    except (httpx.TransportError, json.JSONDecodeError):
        return ""
