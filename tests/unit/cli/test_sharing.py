"""Development that takes the GPU from production is told of, on both sides."""

import json

import pytest

from ops.stack.process import free_port
from service.cli.drill import ports
from service.cli.finding import State
from service.cli.sharing import shared_models
from service.settings import Settings
from tests.fakes.stub_server import Stub


def settings(environment: str, url: str) -> Settings:
    return Settings(environment=environment, ollama={"url": url})


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_development_that_asks_productions_model_server_is_warned(host: str) -> None:
    (found,) = await shared_models(settings("development", f"http://{host}:{ports.PRODUCTION_OLLAMA}"))
    assert found.state is State.WARNING
    assert "push production's out" in found.seen
    assert ports.OLLAMA in found.todo


async def test_development_with_its_own_is_well() -> None:
    (found,) = await shared_models(settings("development", ports.OLLAMA))
    assert found.state is State.OK


async def test_production_is_told_what_development_holds() -> None:
    models = [{"name": "big:20b", "size_vram": 14 << 30}, {"name": "small", "size_vram": 0}]
    with Stub() as stub:
        stub.content = json.dumps({"models": models}).encode()
        (found,) = await shared_models(settings("production", "http://127.0.0.1:11434"), stub.url)
        assert found.state is State.WARNING
        assert "1 model in the GPU: big:20b, 14.0 GiB" in found.seen
        stub.content = json.dumps({"models": models[1:]}).encode()
        (found,) = await shared_models(settings("production", "http://127.0.0.1:11434"), stub.url)
        assert found.state is State.OK


async def test_where_there_is_nothing_beside_nothing_is_said() -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    assert await shared_models(settings("production", "http://127.0.0.1:11434"), nobody) == []
    with Stub() as stub:
        stub.content = b"<html>"
        assert await shared_models(settings("production", "http://127.0.0.1:11434"), stub.url) == []
        # It is its own.
        assert await shared_models(settings("production", stub.url), stub.url) == []
        assert stub.seen == [("GET", "/api/ps", "")]
    assert await shared_models(settings("development", "scripted:"), nobody) == []
