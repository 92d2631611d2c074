"""Docker's command lines, against a program called docker. No engine runs here."""

import json
from pathlib import Path
from typing import Any

import pytest

from ops.checkpoint.compose_installation import ComposeInstallation
from ops.compose.docker import Docker
from ops.compose.files import DEVELOPMENT, PRODUCTION, ROOT, Installation
from service.cli.failures import Failure
from service.store_swap import Phase
from tests.fakes.docker_program import Call, DockerProgram

CONFIGURATION = {
    "services": {
        "rag-service": {
            "image": "emini-rag:latest",
            "environment": {"RAG_API_KEY": "secret-7f", "LOG_LEVEL": "INFO", "RAG_RETRIEVAL__TOP_K": "9", "X": None},
            "volumes": [
                {"type": "bind", "target": "/data"},
                {"type": "volume", "source": "rag_data", "target": "/data"},
            ],
        },
        "chromadb": {"image": "chroma:1", "volumes": [{"type": "volume", "source": "chroma_data", "target": "/data"}]},
        "prometheus": {
            "image": "prom:3",
            "volumes": [{"type": "volume", "source": "prometheus_data", "target": "/prometheus"}],
        },
        "grafana": {
            "image": "grafana:13",
            "volumes": [{"type": "volume", "source": "grafana_data", "target": "/var/lib/grafana"}],
        },
    },
    "volumes": {
        name: {"name": f"emini-rag_{name}"} for name in ("rag_data", "chroma_data", "prometheus_data", "grafana_data")
    },
}
FILE = "compose -f docker-compose.yml"


@pytest.fixture
def program(tmp_path: Path) -> DockerProgram:
    made = DockerProgram(tmp_path / "bin")
    made.says(f"{FILE} config", json.dumps(CONFIGURATION))
    made.says("run", json.dumps({"bytes": 0}) + "\n")
    return made


def installation(program: DockerProgram, files: Installation = PRODUCTION) -> ComposeInstallation:
    return ComposeInstallation(program.client(ROOT), files)


def helper(program: DockerProgram) -> Call:
    return next(call for call in reversed(program.calls) if call.words[0] == "run")


def test_the_helper_has_what_it_needs_and_nothing_more(program: DockerProgram, tmp_path: Path) -> None:
    half = tmp_path / "all" / ".new-a"
    store = installation(program).store
    program.says("run", json.dumps({"bytes": 7}))
    told: list[int] = []
    store.copy(half / "store", caches=True, on_bytes=told.append)
    assert told == [7]
    words = helper(program).words
    assert words[-6:] == ("emini-rag:latest", "-m", "ops.checkpoint.inside", "copy", ".new-a", "caches")
    assert words[words.index("emini-rag:latest") - 1] == "--entrypoint=python"
    volumes = [word.removeprefix("--volume=") for word in words if word.startswith("--volume=")]
    assert volumes == [
        "emini-rag_rag_data:/volumes/corpus",
        "emini-rag_chroma_data:/volumes/vectors",
        f"{ROOT}:/code:ro",
        f"{half}:/checkpoint/.new-a",
    ]
    for hardened in (
        "--rm",
        "--network=none",
        "--read-only",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges:true",
    ):
        assert hardened in words
    assert [word for word in words if word.startswith("--cap-add")] == [
        "--cap-add=DAC_OVERRIDE",
        "--cap-add=CHOWN",
        "--cap-add=FOWNER",
    ]


def test_each_step_of_an_exchange(program: DockerProgram, tmp_path: Path) -> None:
    store = installation(program).store
    store.stage(tmp_path / "first")
    assert f"--volume={tmp_path / 'first'}:/checkpoint/first:ro" in helper(program).words
    with store.exclusive():
        store.begin("first")
        assert helper(program).words[-3:] == ("begin", "first", "alone")
        store.advance()
        store.turn_back()
    assert helper(program).words[-2:] == ("back", "alone")
    store.settle()
    assert helper(program).words[-1:] == ("settle",)


def test_what_the_helper_says(program: DockerProgram) -> None:
    store = installation(program).store
    program.says("run", "a warning\n" + json.dumps({"identity": "7:8", "size": 5, "free": 9}))
    assert store.look().identity == "7:8"
    program.says("run", json.dumps({"journal": None}))
    assert store.journal() is None
    lists: dict[str, Any] = {key: ["a"] for key in ("corpus_out", "corpus_into", "vectors_out", "vectors_into")}
    told = {"checkpoint": "c", "phase": "forward", "vectors": "/v", **lists}
    program.says("run", json.dumps({"journal": told}))
    journal = store.journal()
    assert journal is not None
    assert (journal.phase, journal.vectors_out) == (Phase.FORWARD, ("a",))


def test_what_the_helper_cannot_do(program: DockerProgram) -> None:
    store = installation(program).store
    program.says("run", json.dumps({"failure": "it is full", "why": "no space"}), status=1)
    with pytest.raises(Failure, match="it is full") as caught:
        store.settle()
    assert caught.value.why == "no space"
    program.says("run", err="Unable to find image", status=125)
    with pytest.raises(Failure, match="helper container failed") as caught:
        store.settle()
    assert "Unable to find image" in caught.value.why


def test_a_docker_that_does_not_answer_is_told(tmp_path: Path) -> None:
    made = ComposeInstallation(Docker(str(tmp_path / "none")), PRODUCTION)
    for ask in (made.serving, made.images, made.store.settle):
        with pytest.raises(Failure, match="Docker does not do as it should"):
            ask()


def test_stopping_and_starting(program: DockerProgram) -> None:
    made = installation(program)
    program.says(f"{FILE} ps --status=running --services", "ollama\n")
    # Nothing that Docker is about to start again may be left.
    program.says(f"{FILE} ps --status=running --status=restarting", "chromadb\nollama\n")
    program.says(f"{FILE} ps --all", "rag-service\nchromadb\n")
    for verb in ("stop", "start"):
        program.says(f"{FILE} {verb}", "")
    assert not made.serving()
    assert made.startable()
    made.require_stoppable()
    assert made.stop()
    assert program.calls[-1].words[3:] == ("stop", "chromadb")
    made.start()
    assert program.calls[-1].words[3:] == ("start", "chromadb", "rag-service")
    program.says(f"{FILE} ps --status=running --status=restarting", "")
    assert not made.stop()
    program.says(f"{FILE} start", err="no such service", status=1)
    with pytest.raises(Failure, match="`docker compose start` failed"):
        made.start()


def test_images_by_id_and_digest(program: DockerProgram, tmp_path: Path) -> None:
    program.says("image inspect", status=1)
    inspected = {"Id": "sha256:aa", "RepoDigests": ["chroma@sha256:bb"]}
    program.says("image inspect --format {{json .}} chroma:1", json.dumps(inspected))
    program.says("save", "")
    made = installation(program)
    assert {one["service"]: (one["id"], one["digest"]) for one in made.images()} == {
        "chromadb": ("sha256:aa", "sha256:bb"),
        "grafana": ("", ""),
        "prometheus": ("", ""),
        "rag-service": ("", ""),
    }
    (tmp_path / "images.tar").touch()
    made.save_images(tmp_path / "images.tar")
    assert program.calls[-1].words == ("save", "--output", str(tmp_path / "images.tar"), "chroma:1")


def test_the_configuration_is_told_without_its_secrets(program: DockerProgram) -> None:
    told = installation(program).configuration()
    assert "secret-7f" not in json.dumps(told)
    assert told["compose"]["services"]["rag-service"]["environment"]["LOG_LEVEL"] == "INFO"
    assert (told["settings"]["retrieval.top_k"], told["secrets"]) == (9, ["RAG_API_KEY", "api_key"])


def test_further_parts(program: DockerProgram, tmp_path: Path) -> None:
    made = installation(program)
    made.copy_snapshot("s1", tmp_path / ".new-a" / "prometheus")
    words = helper(program).words
    assert words[-5:] == ("fetch", "tree", "snapshots/s1", ".new-a", "prometheus")
    assert "--volume=emini-rag_prometheus_data:/volumes/further" in words
    made.copy_grafana(tmp_path / ".new-a" / "grafana.db")
    assert helper(program).words[-5:] == ("fetch", "database", "grafana.db", ".new-a", "grafana.db")


def test_files_that_compose_cannot_read(program: DockerProgram) -> None:
    program.says(f"{FILE} config", err="no such file", status=14)
    with pytest.raises(Failure, match=r"cannot read docker-compose\.yml"):
        installation(program).images()


def test_both_installations_have_what_is_looked_for() -> None:
    """In the files themselves: the helper finds volumes by service and target."""
    from ops.compose.files import read

    for files in (PRODUCTION, DEVELOPMENT):
        services = read(ROOT / files.file)["services"]
        for start, target in (("chromadb", "/data"), ("prometheus", "/prometheus"), ("grafana", "/var/lib/grafana")):
            found = next(one for name, one in services.items() if name.startswith(start))
            assert any(str(mount).endswith(f":{target}") for mount in found["volumes"]), (files.name, start)
        assert any(str(mount).endswith(":/data") for mount in services[files.service]["volumes"])
