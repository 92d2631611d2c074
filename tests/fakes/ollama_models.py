"""What the fake Ollama has installed, what may go wrong with it, and how both look on the wire."""

import hashlib
import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]
CHAT_MODELS = ("llama3.2:3b", "llama3.1:latest", "qwen2.5-coder:14b", "gpt-oss:20b")
EMBEDDING_MODEL = "nomic-embed-text"
DEFAULT_REPLY = ("Momentum", " trading", " follows", " the", " move", " [1].")
KEEP_ALIVE_S = 300.0
FOR_EVER = "2318-03-07T00:00:00Z"


@dataclass
class FakeModel:
    """One installed model. Times in seconds; change any field while the server runs.

    `load_s` is what a cold call costs, `token_s` the pause before each token. `thinking` words come first when a
    request lets the model think. `dimensions` is the length of its vectors; `vector` is what
    every text gets, when it is set. `stuck`: it answers nothing, until it is unloaded, as a real one does now and then.
    """

    name: str
    digest: str = ""
    size: int = 2_000_000_000
    parameters: str = "3.2B"
    capabilities: tuple[str, ...] = ("completion",)
    reply: tuple[str, ...] = DEFAULT_REPLY
    thinking: tuple[str, ...] = ()
    resident: bool = False
    load_s: float = 0.0
    prompt_eval_s: float = 0.0
    token_s: float = 0.0
    dimensions: int = 32
    vector: tuple[float, ...] | None = None
    context_length: int = 8192
    expires_at: str = ""
    num_ctx: int | None = None
    stuck: bool = False

    def __post_init__(self) -> None:
        self.name = full_name(self.name)
        self.digest = self.digest or hashlib.sha256(self.name.encode()).hexdigest()


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one call of /api/chat, /api/generate or /api/embed. Positions count tokens sent before.

    `status` answers with an error; `drop` closes the connection without a word; `hang_before` never sends a byte;
    `hang_after`, `cut_after`, `error_after`, `invalid_after` act after that many tokens: silence, a closed connection,
    an error line, a line that is no JSON. `no_done` ends the stream cleanly but without its final message.
    `drip_s` sends the first line one byte at a time.
    """

    status: int = 0
    message: str = "something is wrong"
    drop: bool = False
    hang_before: bool = False
    hang_after: int | None = None
    cut_after: int | None = None
    error_after: int | None = None
    invalid_after: int | None = None
    no_done: bool = False
    drip_s: float = 0.0


def default_models() -> list[FakeModel]:
    """The default policy's models, small and quick, none of them in memory."""
    chat = [FakeModel(name) for name in CHAT_MODELS]
    return [*chat, FakeModel(EMBEDDING_MODEL, size=300_000_000, capabilities=("embedding",))]


def full_name(name: str) -> str:
    """A name without a tag means `latest`."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def vector_of(text: str, dimensions: int) -> list[float]:
    """Words hashed into a unit vector: the same text gives the same vector, shared words bring two vectors closer."""
    vector = [0.0] * dimensions
    for word in text.casefold().split() or [""]:
        digest = hashlib.blake2b(word.encode(), digest_size=8).digest()
        vector[int.from_bytes(digest[:4], "big") % dimensions] += 1.0 if digest[4] & 1 else -1.0
    norm = math.hypot(*vector)
    if not norm:
        return [1.0 / math.sqrt(dimensions)] * dimensions
    return [value / norm for value in vector]


def complaint(body: Json, model: FakeModel, path: str) -> str:
    """Why Ollama would answer 400, in its words; empty when it would not."""
    if path == "/api/chat" and "completion" not in model.capabilities:
        return f'"{body["model"]}" does not support chat'
    if path == "/api/generate" and "completion" not in model.capabilities:
        return f'"{body["model"]}" does not support generate'
    if body.get("think") and "thinking" not in model.capabilities:
        return f'"{body["model"]}" does not support thinking'
    keep_alive = body.get("keep_alive")
    if isinstance(keep_alive, str) and not keep_alive.endswith(("s", "m", "h")):
        return f'time: missing unit in duration "{keep_alive}"'
    return ""


def parts(model: FakeModel, think: object) -> list[Json]:
    # Capable models think unless they are told not to.
    thinks = "thinking" in model.capabilities and think is not False
    thought = [{"thinking": word} for word in model.thinking] if thinks else []
    return [*thought, *({"content": word} for word in model.reply)]


def tokens_of(messages: Iterable[Mapping[str, str]]) -> int:
    return sum(len(message["content"].split()) + 2 for message in messages)


def details(model: FakeModel) -> Json:
    family = "gptoss" if model.name.startswith("gpt-oss") else "llama"
    return {"family": family, "format": "gguf", "parameter_size": model.parameters, "quantization_level": "Q4_K_M"}


def tag(model: FakeModel) -> Json:
    named = {"name": model.name, "model": model.name, "size": model.size, "digest": model.digest}
    return {**named, "modified_at": now(), "details": details(model)}


def ps(model: FakeModel) -> Json:
    times = {"expires_at": model.expires_at or now(KEEP_ALIVE_S)}
    sizes = {"size_vram": model.size, "context_length": model.num_ctx or model.context_length}
    return {**tag(model), **times, **sizes}


def now(ahead_s: float = 0.0) -> str:
    # Nanoseconds, as Go writes them.
    return datetime.fromtimestamp(time.time() + ahead_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "123Z"
