"""From options and settings to what a deploy works with."""

from pathlib import Path

import pytest

from ops.checkpoint.choosing import Choice
from ops.compose.files import ROOT
from ops.rollout.choosing import Rollout, Wanted
from ops.rollout.in_docker import DockerHost
from ops.rollout.native import NativeHost
from prometheus.thresholds import load
from service.cli.failures import Failure
from service.cli.surroundings import Surroundings
from service.routing.scored import ScoredPolicy
from service.settings import Settings
from tests.fakes.docker_program import DockerProgram


@pytest.fixture
def here(tmp_path: Path) -> Surroundings:
    return Surroundings(load_settings=lambda: Settings(data_dir=tmp_path / "data"))


def test_natively_everything_is_in_the_data_folder(here: Surroundings, tmp_path: Path) -> None:
    rollout = Rollout(here, Wanted(Choice()))
    assert rollout.records.folder == tmp_path / "data" / "rollout"
    assert rollout.chosen.archive.folder == tmp_path / "data" / "checkpoints"
    with rollout.host() as host:
        assert isinstance(host, NativeHost)
        with rollout.ways(host) as ways:
            assert ways.making.installation is host.installation
            assert ways.limits == load()
            assert not ways.mark("a", "up", "b")


def test_its_own_questions_are_of_every_tier_and_a_file_replaces_them(here: Surroundings, tmp_path: Path) -> None:
    rollout = Rollout(here, Wanted(Choice()))
    with rollout.host() as host, rollout.ways(host) as ways:
        tiers = [ScoredPolicy().decide(question).tier for question in ways.questions]
    assert {tier: tiers.count(tier) for tier in tiers} == {"simple": 2, "medium": 2, "complex": 2, "research": 2}
    (tmp_path / "mine.txt").write_text("# mine\nWhat?\nWhy?\n")
    rollout = Rollout(here, Wanted(Choice(), queries=tmp_path / "mine.txt"))
    with rollout.host() as host, rollout.ways(host) as ways:
        assert ways.questions == ["What?", "Why?"]


def test_in_docker_the_records_lie_with_the_checkout(here: Surroundings, tmp_path: Path) -> None:
    program = DockerProgram(tmp_path / "bin")
    rollout = Rollout(here, Wanted(Choice(compose="production")), program.client(ROOT))
    assert rollout.records.folder == ROOT / "data" / "rollout-emini-rag"
    with rollout.host() as host:
        assert isinstance(host, DockerHost)
    program.says("info", err="permission denied", status=1)
    with pytest.raises(Failure, match="Docker cannot be used"), rollout.host():
        pass


def test_what_makes_no_sense_is_refused(here: Surroundings) -> None:
    with pytest.raises(Failure, match="Nothing can be deployed to development"):
        Rollout(here, Wanted(Choice(compose="development")))
    with pytest.raises(Failure, match="no images without Docker"):
        Rollout(here, Wanted(Choice(), image=Path("a.tar")))
