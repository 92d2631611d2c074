"""Versions deployed in Docker, on a real engine: each is built or loaded, and what is worse is taken back by itself."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from ops.stack.process import wait_until
from tests.components.deployed_compose import BRIEF, DEPLOY_S, START_S, DeployedCompose
from tests.components.docker_base import with_files
from tests.components.docker_engine import Docker
from tests.components.docker_images import PYTHON_BASE, Images
from tests.components.versions import Versions

OWN = {"file": ("own.md", b"# Own\n\nA wibbling is what only this document knows of, and it must stay.")}


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Versions:
    return Versions(tmp_path_factory.mktemp("repository") / "checkout")


@pytest.fixture(scope="module")
def shared(
    docker: Docker, images: Images, versions: Versions, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DeployedCompose]:
    with DeployedCompose(docker, images, versions, tmp_path_factory.mktemp("program")) as running:
        assert httpx.post(f"{running.url}/documents", files=OWN, timeout=30, trust_env=False).status_code == 201
        yield running


@pytest.fixture
def deployed(shared: DeployedCompose, versions: Versions) -> Iterator[DeployedCompose]:
    """Every test leaves the version `main` running, with the documents that it found."""
    before = shared.documents()
    yield shared
    assert shared.commit == versions.commit("main")[:12]
    assert shared.documents() == before
    assert not (shared.records / "journal.json").exists()


def test_what_is_as_good_is_kept_and_taken_back_in_one_command(
    deployed: DeployedCompose, versions: Versions, seen: Callable[[str], None]
) -> None:
    fine, main = (versions.commit(name) for name in ("fine", "main"))
    old = deployed.image_of("emini-rag:latest")
    began = time.monotonic()
    code, said = deployed.deploy("fine")
    assert code == 0, said
    assert deployed.commit == fine[:12]
    new = deployed.image_of(f"emini-rag:{fine[:12]}")
    container = deployed.project.container("rag-service")
    assert (container["Image"], container["Config"]["Image"]) == (new, f"emini-rag:{fine[:12]}")
    assert deployed.image_of("emini-rag:latest") == new != old
    assert deployed.log()[-1]["event"] == "kept"
    seen(f"  Compose: deployed, built and watched in {time.monotonic() - began:.0f} s")

    code, said = deployed.run("rollback", "--dry-run")
    assert code == 0, said
    assert f"{fine[:12]} -> {main[:12]}" in said
    began = time.monotonic()
    code, said = deployed.run("rollback")
    assert code == 0, said
    assert deployed.image_of("emini-rag:latest") == deployed.project.container("rag-service")["Image"] == old
    seen(f"  Compose: rollback in {time.monotonic() - began:.0f} s")


@pytest.mark.parametrize(
    ("version", "reason"), [("fails", "was answered (extractive), and is now failed"), ("slow", " times, ")]
)
def test_what_is_worse_is_taken_back_by_itself(
    deployed: DeployedCompose, versions: Versions, version: str, reason: str, seen: Callable[[str], None]
) -> None:
    old = deployed.image_of("emini-rag:latest")
    began = time.monotonic()
    code, said = deployed.deploy(version)
    assert code == 1, said
    assert f"{versions.commit('main')[:12]} runs, with its documents" in said
    assert deployed.image_of("emini-rag:latest") == old
    last = deployed.log()[-1]
    assert (last["event"], last["new"]["commit"]) == ("rolled back", versions.commit(version))
    assert reason in last["verdict"][0]
    seen(f"  Compose: deploy of {version}: the old version again after {time.monotonic() - began:.0f} s")


def test_an_image_from_a_file_that_does_not_start_is_taken_back(
    deployed: DeployedCompose, versions: Versions, docker: Docker, tmp_path: Path
) -> None:
    name = f"emini-rag:{versions.commit('crashes')[:12]}"
    with_files(docker, PYTHON_BASE, name, {}, 'CMD ["python3", "-c", "raise SystemExit(\'no start\')"]')
    docker.run("save", "--output", tmp_path / "image.tar", name, timeout_s=DEPLOY_S)
    docker.run("image", "rm", "--force", name)
    code, said = deployed.deploy("crashes", "--image", str(tmp_path / "image.tar"))
    assert code == 1, said
    assert "ended while it started: no start" in said, said
    assert deployed.log()[-1]["event"] == "rolled back"


def test_a_killed_deploy_is_gone_on_with_and_compose_by_hand_starts_the_old_one(
    deployed: DeployedCompose, versions: Versions
) -> None:
    process = deployed.begin("deploy", "fine", *BRIEF, "--watch", "60s")
    deployed.await_step("watch", process)
    process.kill()
    process.communicate()
    assert deployed.commit == versions.commit("fine")[:12]
    deployed.project.compose("up", "--detach", "--no-build", "--no-deps", "rag-service")
    wait_until(deployed.ready, START_S, "the old version is ready")
    assert deployed.commit == versions.commit("main")[:12]
    code, said = deployed.run("deploy", "--resume")
    assert code == 1, said
    assert "did not run any more" in said
