"""Docker's command lines, against a program called docker. No engine runs here."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.checkpoint.live_service import LiveService
from ops.compose.files import PRODUCTION
from ops.rollout.in_docker import DockerHost
from ops.rollout.pointer import Version
from ops.rollout.source import Source
from service.cli.client import ServiceClient
from service.cli.failures import Failure
from tests.fakes.deployed_service import FakeDeployedService
from tests.fakes.docker_program import DockerProgram
from tests.unit.ops.rollout.test_source import git

ID = "sha256:" + "1" * 64
COMPOSE = "compose -f docker-compose.yml"
FILES = ("/srv/emini-rag/docker-compose.yml", "/srv/emini-rag/docker-compose.cpu.yml")


class Stand:
    """A repository with one commit, a docker program, and a service that answers."""

    def __init__(self, folder: Path, fake: FakeDeployedService, client: ServiceClient) -> None:
        root = folder / "repository"
        (root / "service" / "corpus").mkdir(parents=True)
        (root / "service" / "corpus" / "schema.py").write_text("SCHEMA_VERSION = 1\n")
        (root / "service" / "Dockerfile").write_text("FROM x\n")
        (root / ".env").write_text("PYTHON_IMAGE=python:3.11\n")
        git(root, "init", "--quiet", "--initial-branch=main")
        git(root, "add", "--all")
        git(root, "-c", "user.name=T", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", "one")
        self.source, self.fake, self.client = Source(root), fake, client
        self.commit = self.source.commit("main")
        self.new = Version(self.commit, f"emini-rag:{self.commit[:12]}", 1)
        self.old = Version("", f"emini-rag:was-{'1' * 12}")
        self.folder = folder
        self.program = DockerProgram(folder / "bin")
        self.runs(ID)
        self.program.says("image inspect", err="No such image", status=1)
        for verb in ("tag", "build", "load", "compose -f /srv"):
            self.program.says(verb)
        self.program.says("logs --tail 12 c0ffee", "a\n", err="last words\n")

    def runs(self, image: str, revision: str = "", state: str = "running") -> None:
        self.program.says(f"{COMPOSE} ps --all --quiet", "c0ffee\n")
        self.program.says(f"{COMPOSE} ps --all --format", f"{state}\n")
        self.program.says("inspect --format", f"{image}\n4000000000\n{','.join(FILES)}\n{revision}\n")

    def has(self, image: str, number: str = ID) -> None:
        self.program.says(f"image inspect --format {{{{.Id}}}} {image}", f"{number}\n")

    def host(self, image: Path | None = None, ready_s: float = 5.0) -> DockerHost:
        return DockerHost(
            self.program.client(self.source.root),
            PRODUCTION,
            LiveService(self.client),
            source=self.source,
            versions=self.folder / "versions",
            image=image,
            ready_s=ready_s,
            pause=lambda _: None,
        )

    def words(self, verb: str) -> list[str]:
        """Each call that begins so."""
        return [text for call in self.program.calls if (text := " ".join(call.words)).startswith(verb)]


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with FakeDeployedService() as fake, ServiceClient(fake.url) as client:
        yield Stand(tmp_path, fake, client)


def test_what_runs_gets_a_name_that_keeps_it(stand: Stand) -> None:
    assert stand.host().present() == stand.old
    assert stand.words("tag") == [f"tag {ID} emini-rag:was-{'1' * 12}"]
    stand.runs(ID, stand.commit)
    assert stand.host().present() == Version(stand.commit, f"emini-rag:was-{'1' * 12}", 1)
    stand.has(stand.new.place)
    assert stand.host().present() == stand.new
    assert stand.host().glance().startswith(stand.commit[:12])
    stand.program.says(f"{COMPOSE} ps --all --quiet", "")
    assert stand.host().glance() == "none"
    with pytest.raises(Failure, match="No service"):
        stand.host().present()


def test_an_image_is_built_of_the_files_of_the_commit_alone(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHON_IMAGE", raising=False)
    (stand.source.root / "changed.txt").touch()
    assert stand.host().prepare("main") == stand.new
    (built,) = stand.words("build")
    place = stand.folder / "versions" / stand.commit[:12]
    assert built == (
        f"build --file {place}/service/Dockerfile --build-arg BASE=python:3.11 --build-arg REVISION={stand.commit} "
        f"--build-arg PIP_INDEX_URL --build-arg PIP_TRUSTED_HOST --tag {stand.new.place} {place}"
    )
    assert not (place / "changed.txt").exists()
    stand.has(stand.new.place)
    stand.host().prepare("main")
    assert len(stand.words("build")) == 1


def test_an_image_is_loaded_from_a_file_and_must_be_of_that_version(stand: Stand) -> None:
    file = stand.folder / "image.tar"
    with pytest.raises(Failure, match="is not of that version"):
        stand.host(file).prepare("main")
    stand.has(stand.new.place)
    assert stand.host(file).prepare("main") == stand.new
    assert stand.words("load")[-1] == f"load --input {file}"
    assert stand.words("build") == []


def test_on_trial_latest_is_still_the_old_one(stand: Stand) -> None:
    stand.has(stand.new.place)
    stand.host().up(stand.new, stand.old, "try")
    up = next(call for call in stand.program.calls if "up" in call.words)
    assert " ".join(up.words) == (f"compose -f {FILES[0]} -f {FILES[1]} up --detach --no-deps --no-build rag-service")
    assert (up.environment["SERVICE_IMAGE"], up.environment["SERVICE_CPUS"]) == (stand.new.place, "4")
    assert stand.words("tag") == []
    stand.host().confirm(stand.new, stand.old)
    assert stand.words("tag") == [f"tag {stand.new.place} emini-rag:latest"]


def test_without_a_trial_latest_comes_first(stand: Stand) -> None:
    stand.has(stand.old.place)
    stand.host().up(stand.old, stand.new, "")
    verbs = [call.words[0] for call in stand.program.calls if call.words[0] == "tag" or "up" in call.words]
    assert verbs == ["tag", "compose"]


def test_a_container_that_ends_or_is_not_ready_or_is_another_is_a_failure(stand: Stand) -> None:
    stand.has(stand.new.place)
    stand.runs(ID, state="restarting")
    with pytest.raises(Failure, match="ended while it started") as failed:
        stand.host().up(stand.new, stand.old, "try")
    assert failed.value.why == "last words"
    stand.runs(ID)
    stand.fake.unready = "sqlite"
    with pytest.raises(Failure, match=r"is not ready after 0\.1 s") as failed:
        stand.host(ready_s=0.1).up(stand.new, stand.old, "try")
    assert "for want of sqlite" in failed.value.why
    stand.fake.unready = ""
    stand.runs("sha256:2")
    with pytest.raises(Failure, match="does not run version"):
        stand.host().up(stand.new, stand.old, "try")
    stand.program.says("compose -f /srv", err="no such network", status=1)
    with pytest.raises(Failure, match="could not start") as failed:
        stand.host().up(stand.new, stand.old, "try")
    assert failed.value.why == "no such network"


def test_pointing_makes_a_container_and_does_not_start_it(stand: Stand) -> None:
    stand.host().point(stand.old, stand.new)
    up = next(call for call in stand.program.calls if "up" in call.words)
    assert "--no-start" in up.words
    assert up.environment["SERVICE_IMAGE"] == stand.old.place
    stand.program.says("compose -f /srv", err="no", status=1)
    with pytest.raises(Failure, match="could not make"):
        stand.host().point(stand.old, stand.new)


def test_which_version_serves_is_told_by_the_id_of_its_image(stand: Stand) -> None:
    assert not stand.host().serves(stand.new)
    stand.has(stand.new.place)
    assert stand.host().serves(stand.new)
    stand.runs("sha256:2")
    assert not stand.host().serves(stand.new)


def test_what_docker_refuses_is_told(stand: Stand) -> None:
    stand.program.says("tag", err="denied", status=1)
    with pytest.raises(Failure, match="`docker tag` failed"):
        stand.host().confirm(stand.new, stand.old)
    stand.program.says("inspect --format", "?\n")
    with pytest.raises(Failure, match="does not say"):
        stand.host().present()
    stand.program.says(f"{COMPOSE} ps --all --quiet", err="broken", status=1)
    with pytest.raises(Failure, match="compose ps"):
        stand.host().present()


def test_the_shipped_file_takes_the_image_of_the_variable_and_the_usual_one_without() -> None:
    from ops.compose.files import ROOT, interpolate, read
    from ops.rollout.in_docker import IMAGE_VARIABLE

    image = read(ROOT / "docker-compose.yml")["services"]["rag-service"]["image"]
    assert interpolate(image, {}) == "emini-rag:latest"
    assert interpolate(image, {IMAGE_VARIABLE: "emini-rag:abc"}) == "emini-rag:abc"


def test_files_of_old_versions_are_tidied_up_and_labels_are_those_of_compose(stand: Stand) -> None:
    assert stand.host().tidy([stand.new, stand.old]) == []
    assert "emini-rag" in stand.host().label
    assert stand.host().installation.label == stand.host().label
    assert json.dumps(stand.host().last_words()) == '["a", "last words"]'
