"""Unloading a model that is stuck: told either way, and never a failure of its own."""

import pytest

from service.generation.ollama_unload import unload
from service.ollama.client import make_client
from tests.fakes.ollama_models import FakeModel
from tests.fakes.ollama_server import FakeOllama

MODEL = "llama3.2:3b"


async def test_takes_the_model_out_of_memory(caplog: pytest.LogCaptureFixture) -> None:
    async with FakeOllama([FakeModel(MODEL, resident=True)]) as server:
        client = make_client(server.url)
        await unload(client, MODEL, 60.0)
        await client.close()
    assert not server.model(MODEL).resident
    assert "no token for 60 s; unloaded" in caplog.text


async def test_an_absent_server_is_told_and_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with FakeOllama() as server:
        url = server.url
    client = make_client(url)
    await unload(client, MODEL, 60.0)
    await client.close()
    assert "could not be unloaded: Ollama cannot be reached" in caplog.text
