"""Choosing a model for a question: the ports and their values.

`Router` decides and returns every reason. `ModelDirectory` knows which models are installed and resident; its
snapshot is the last poll and never blocks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

AUTO = "auto"


class Tier(StrEnum):
    """How demanding a question is, from cheapest to dearest."""

    SIMPLE = "simple"
    MEDIUM = "medium"
    COMPLEX = "complex"
    RESEARCH = "research"


class RouteReason(StrEnum):
    """Why the chosen model is the chosen one."""

    POLICY = "policy"
    REQUESTED = "requested"
    STEPPED_DOWN = "stepped_down"
    STEPPED_UP = "stepped_up"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Features:
    """What the policy reads from a question's text. Counts are matches on word boundaries."""

    words: int
    chars: int
    question_marks: int
    complex_indicators: int
    research_indicators: int
    technical_terms: int
    code: bool


@dataclass(frozen=True, slots=True)
class Route:
    """One decision. `model` is None when no model can answer (extractive mode); `wanted` is the policy's first choice.

    `fallbacks` are tried in order when `model` fails before its first token. `explanation` is for people.
    `warm` names a wanted but cold model that should be loaded in the background.
    """

    requested: str
    tier: Tier
    wanted: str
    model: str | None
    reason: RouteReason
    explanation: tuple[str, ...]
    features: Features
    fallbacks: tuple[str, ...] = ()
    warm: str | None = None


class Router(Protocol):
    """Chooses tier and model."""

    async def route(self, text: str, requested: str) -> Route:
        """Decide in under a millisecond, without a network call. Raises `UnknownModel` outside the allow-list."""
        ...


@dataclass(frozen=True, slots=True)
class ModelState:
    """One configured model as last seen. Sizes in bytes, `expires_at` in Unix seconds; `vram_bytes` is 0 on a CPU.

    `size_bytes` is what it takes in memory while resident, else its file's. `context_length` is the window it was
    loaded with, 0 while it is not. `capabilities` are Ollama's words, such as "completion", "embedding", "thinking".
    """

    name: str
    installed: bool = False
    resident: bool = False
    digest: str | None = None
    size_bytes: int = 0
    vram_bytes: int = 0
    expires_at: float | None = None
    quantization: str = ""
    parameter_size: str = ""
    context_length: int = 0
    capabilities: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ModelSnapshot:
    """The last poll. `reachable` is False while the server is away; `polled_at` is Unix seconds, 0 before the first.

    `models` has an entry for every configured model (chat models and the embedder), seen or not.
    `digest` of an entry stays at its last known value while the server is away. `swaps` counts changes of the resident
    set between polls, `poll_errors` failed polls, both since start.
    """

    reachable: bool = False
    polled_at: float = 0.0
    models: Mapping[str, ModelState] = field(default_factory=dict)
    swaps: int = 0
    poll_errors: int = 0
    last_error: str | None = None


class ModelDirectory(Protocol):
    """Which models are there."""

    def snapshot(self) -> ModelSnapshot: ...

    async def refresh(self) -> ModelSnapshot:
        """Poll now. Never raises; a failed poll gives `reachable=False`."""
        ...

    async def preload(self, model: str) -> None:
        """Load the model without asking it anything, and return once it is resident. Raises `DependencyError`, or
        `UnknownModel` when it is not installed."""
        ...
