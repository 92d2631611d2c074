"""What every model directory must do: over the real Ollama, a fake one over HTTP, the fixed one, and the fake."""

from collections.abc import AsyncIterator

import pytest

from service.clock import SystemClock
from service.errors import ErrorKind, ServiceError, UnknownModel
from service.ollama.client import make_client
from service.routing.fixed import FixedModelDirectory
from service.routing.ollama import OllamaModelDirectory
from service.routing.port import ModelDirectory
from tests.components.ollama import RunningOllama
from tests.fakes.model_directory import FakeModelDirectory, snapshot_of
from tests.fakes.ollama_server import FakeOllama

CHAT = "llama3.1:latest"
EMBEDDING = "nomic-embed-text"
MISSING = "not-there:1b"


async def over_http(url: str) -> AsyncIterator[ModelDirectory]:
    client = make_client(url)
    yield OllamaModelDirectory(client, (CHAT, EMBEDDING, MISSING), SystemClock())
    await client.close()


@pytest.fixture(params=["fixed", "fake", "fake server", pytest.param("real", marks=pytest.mark.real)])
async def directory(request: pytest.FixtureRequest) -> AsyncIterator[ModelDirectory]:
    if request.param == "fixed":
        yield FixedModelDirectory((CHAT, EMBEDDING), SystemClock())
    elif request.param == "fake":
        fake = FakeModelDirectory(snapshot_of({CHAT: False, EMBEDDING: False}, missing=(MISSING,)))
        fake.preload_errors = [UnknownModel(f"{MISSING} is not installed")] if "not_there" in request.node.name else []
        yield fake
    elif request.param == "fake server":
        async with FakeOllama() as server:
            async for made in over_http(server.url):
                yield made
    else:
        real: RunningOllama = request.getfixturevalue("real_ollama")
        async for made in over_http(real.url):
            yield made


async def test_a_refresh_sees_what_is_installed_under_the_configured_names(directory: ModelDirectory) -> None:
    seen = await directory.refresh()
    assert seen.reachable
    assert seen.polled_at > 0
    for name in (CHAT, EMBEDDING):
        assert seen.models[name].name == name
        assert seen.models[name].installed
        assert seen.models[name].digest
    assert MISSING not in seen.models or not seen.models[MISSING].installed


async def test_the_snapshot_is_the_last_refresh(directory: ModelDirectory) -> None:
    seen = await directory.refresh()
    assert directory.snapshot().models == seen.models


@pytest.mark.parametrize("name", [CHAT, EMBEDDING])
async def test_a_preloaded_model_is_resident(directory: ModelDirectory, name: str) -> None:
    await directory.preload(name)
    assert directory.snapshot().models[name].resident


async def test_a_model_that_is_not_there_cannot_be_preloaded(directory: ModelDirectory) -> None:
    with pytest.raises(ServiceError) as caught:
        await directory.preload(MISSING)
    assert caught.value.kind is ErrorKind.MODEL_NOT_FOUND
    assert MISSING in caught.value.detail
