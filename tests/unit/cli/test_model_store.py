"""The model server of the settings."""

from ops.stack.process import free_port
from service.cli.model_store import configured_models, open_model_store
from service.settings import Embedding, Ollama, Routing, Settings


async def test_a_server_that_is_away_is_seen_when_it_is_used() -> None:
    settings = Settings(ollama=Ollama(url=f"http://127.0.0.1:{free_port()}"))
    async with open_model_store(settings) as store:
        snapshot = await store.refresh()
    assert not snapshot.reachable
    assert set(snapshot.models) == set(configured_models(settings))


def test_every_model_is_configured_once() -> None:
    settings = Settings(routing=Routing(extra_models=("extra", "nomic-embed-text")))
    models = configured_models(settings)
    assert len(models) == len(set(models)) == 6
    assert {"extra", "nomic-embed-text", "gpt-oss:20b"} <= set(models)


def test_no_embedder_is_no_model() -> None:
    assert "" not in configured_models(Settings(embedding=Embedding(model="")))
