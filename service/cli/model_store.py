"""The models of the Ollama server, as the commands use them: the service's own directory, which can also download."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from service.clock import SystemClock
from service.ollama.client import make_client
from service.routing.ollama import OllamaModelDirectory, PullProgress
from service.routing.port import ModelDirectory
from service.settings import Settings


class ModelStore(ModelDirectory, Protocol):
    """A model directory that can also download."""

    def pull(self, model: str) -> AsyncGenerator[PullProgress, None]:
        """Progress until the model is there. Raises `ServiceError`. Closing it stops the download."""
        ...


@asynccontextmanager
async def open_model_store(settings: Settings) -> AsyncIterator[ModelStore]:
    """The server that the settings name; whether it is there is seen when it is used."""
    client = make_client(settings.ollama.url, connect_timeout_s=settings.ollama.connect_timeout_s)
    try:
        yield OllamaModelDirectory(
            client,
            configured_models(settings),
            SystemClock(),
            num_ctx=settings.ollama.num_ctx,
            keep_alive=settings.ollama.keep_alive,
        )
    finally:
        await client.close()  # type: ignore[no-untyped-call]


def configured_models(settings: Settings) -> tuple[str, ...]:
    """Every model that may be asked, and the embedder, each once."""
    embedder = (settings.embedding.model,) if settings.embedding.model else ()
    return tuple(dict.fromkeys((*settings.chat_models, *embedder)))
