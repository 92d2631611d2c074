"""The way out for a model that is in memory and gives no answer any more.

Seen with Ollama 0.24: a client that leaves in the middle of an answer can leave the model's process waiting for ever,
and every later call of that model with it; 0.33.3 is said to be free of it. Unloading the model ends that process, and
the next call loads it afresh. Ollama waits for calls that still run before it unloads, so no answer is cut.
"""

import logging

import ollama

from service.errors import ServiceError
from service.ollama.client import calling

_UNLOAD_S = 2.0

_log = logging.getLogger(__name__)


async def unload(client: ollama.AsyncClient, model: str, silent_s: float) -> None:
    """Ask Ollama to take `model`, silent for `silent_s`, out of memory. That it cannot is told and changes nothing."""
    try:
        async with calling(f"unloading of {model}", _UNLOAD_S, model=model):
            await client.generate(model, keep_alive=0)
    except ServiceError as error:
        _log.warning("%s is loaded but gave no token for %g s, and could not be unloaded: %s", model, silent_s, error)
    else:
        _log.warning(
            "%s is loaded but gave no token for %g s; unloaded, the next call loads it afresh", model, silent_s
        )
