"""Making an answer with a model: the ports and their values. All times are seconds."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from service.retrieval.port import Passage
from service.routing.port import Tier


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message; `role` is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """What to ask which model. `deadline_s` is what remains of the request's whole budget."""

    model: str
    messages: tuple[Message, ...]
    tier: Tier
    temperature: float
    max_tokens: int
    deadline_s: float


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of the stream. Thinking is timed and counted, and is never part of the answer."""

    text: str
    thinking: bool = False


class FinishReason(StrEnum):
    """Why the model stopped."""

    STOP = "stop"
    LENGTH = "length"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Completion:
    """Last item of every stream that ended well.

    Phases are the server's own figures, clipped so that queue + load + prompt_eval + eval <= total:
    queue = total - load - prompt_eval - eval. `cold` means the model was loaded for this answer.
    `total_s` is measured here at the client. `prompt_truncated`: the server saw fewer tokens than were sent.
    """

    model: str
    digest: str | None
    finish: FinishReason
    input_tokens: int
    output_tokens: int
    total_s: float
    first_chunk_s: float
    first_answer_s: float
    queue_s: float
    load_s: float
    prompt_eval_s: float
    eval_s: float
    cold: bool = False
    prompt_truncated: bool = False


class Generator(Protocol):
    """Streams an answer."""

    def generate(self, request: GenerationRequest) -> AsyncGenerator[Chunk | Completion, None]:
        """Chunks, then one `Completion`. Closing the iterator stops the model within a second.

        Raises `DependencyUnavailable` (server away, breaker open), `UnknownModel` (not installed),
        `DependencyTimeout`, `BadDependencyReply`. Before the first chunk another model may be tried; after it, not.
        """
        ...


@dataclass(frozen=True, slots=True)
class Excerpt:
    """One verbatim sentence and where it stands."""

    text: str
    source: str
    document_id: str
    chunk_id: str
    start: int
    end: int
    score: float


class Extractor(Protocol):
    """Answers without a model, by quoting."""

    def extract(self, text: str, passages: Sequence[Passage]) -> tuple[Excerpt, ...]:
        """2 to 4 of the best sentences, best first; empty when none is above the floor. Pure and quick."""
        ...


class BreakerState(StrEnum):
    """State of a circuit breaker."""

    CLOSED = "closed"
    HALF_OPEN = "half_open"
    OPEN = "open"


class Health(Protocol):
    """What recent calls say about a model: read by routing and by the gauges."""

    def state(self, model: str) -> BreakerState:
        """Worst of the model's and the server's breaker."""
        ...

    def states(self) -> dict[str, BreakerState]:
        """Every breaker by name: "ollama" and "ollama/<model>"."""
        ...
