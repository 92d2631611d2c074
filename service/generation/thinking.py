"""Whether a model is to think before it answers, in the form that Ollama takes. Pure."""

from typing import Literal

from service.routing.port import ModelState

Think = bool | Literal["low", "medium", "high"] | None


def think_of(known: ModelState, *, wanted: bool) -> Think:
    """What to send: nothing to a model that cannot think (it would refuse), and always something to one that can,
    because Ollama lets it think unless it is told not to. gpt-oss knows levels only, and cannot be stopped altogether.
    """
    if "thinking" not in known.capabilities:
        return None
    if known.name.rpartition("/")[2].startswith("gpt-oss"):
        return "medium" if wanted else "low"
    return wanted
