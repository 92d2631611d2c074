"""Models taken away and put back."""

from collections.abc import Iterator

import pytest

from service.cli.drill.model_server import ModelServer, full
from service.cli.failures import Failure
from tests.fakes.drill_parts import FakeModels

KEPT = "small:1b-emini-rag-drill"


@pytest.fixture
def ollama() -> Iterator[FakeModels]:
    with FakeModels() as running:
        yield running


@pytest.fixture
def models(ollama: FakeModels) -> ModelServer:
    return ModelServer(ollama.url, lambda seconds: None)


def test_a_model_is_away_within_the_block_and_the_same_after_it(ollama: FakeModels, models: ModelServer) -> None:
    before = dict(ollama.digests)
    with models.without("small:1b") as digest:
        assert (digest, "small:1b" in ollama.digests, ollama.digests[KEPT]) == ("aaa", False, "aaa")
    assert ollama.digests == before


def test_it_is_put_back_on_an_interrupt(ollama: FakeModels, models: ModelServer) -> None:
    before = dict(ollama.digests)
    with pytest.raises(KeyboardInterrupt), models.without("small:1b"):
        raise KeyboardInterrupt
    assert ollama.digests == before


def test_nothing_is_removed_when_the_copy_is_another(ollama: FakeModels, models: ModelServer) -> None:
    ollama.lies = True
    with pytest.raises(Failure, match="copy of small:1b is not the same"), models.without("small:1b"):
        pass
    assert ollama.digests["small:1b"] == "aaa"
    assert "delete small:1b" not in ollama.calls


def test_what_an_interrupted_drill_left_is_put_back(ollama: FakeModels, models: ModelServer) -> None:
    ollama.digests = {"large:7b": "bbb", KEPT: "aaa"}
    assert models.put_back_all() == ["small:1b was put back"]
    assert ollama.digests == {"large:7b": "bbb", "small:1b": "aaa"}
    assert models.put_back_all() == []


def test_one_that_was_interrupted_between_copy_and_removal_loses_its_copy(
    ollama: FakeModels, models: ModelServer
) -> None:
    ollama.digests[KEPT] = "aaa"
    models.put_back_all()
    assert ollama.digests == {"small:1b": "aaa", "large:7b": "bbb"}


def test_a_model_that_was_installed_anew_is_kept_and_its_copy_too(ollama: FakeModels, models: ModelServer) -> None:
    ollama.digests[KEPT] = "older"
    assert "installed anew" in models.put_back_all()[0]
    assert ollama.digests["small:1b"] == "aaa"
    assert ollama.digests[KEPT] == "older"


def test_unloading_waits_until_it_is_done(ollama: FakeModels, models: ModelServer) -> None:
    models.unload("small:1b")
    assert ollama.loaded == set()
    ollama.post = lambda request: request.reply(200, b"{}")  # type: ignore[method-assign]
    ollama.loaded = {"small:1b"}
    with pytest.raises(Failure, match="still in memory"):
        models.unload("small:1b")


def test_the_file_of_a_model_is_the_one_that_its_process_names(models: ModelServer) -> None:
    assert models.file_of("small:1b") == "sha256-aaa"


def test_a_name_without_a_tag_has_the_usual_one() -> None:
    assert (full("nomic"), full("a:1b")) == ("nomic:latest", "a:1b")
