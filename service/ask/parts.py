"""What the pipeline is made of: ports, and the few numbers it needs. Filled in by the composition root."""

from collections.abc import Callable
from dataclasses import dataclass

from service.admission.port import Limiter
from service.ask.prompt import PromptBuilder
from service.cache.port import Cache
from service.embedding.port import Embedder
from service.generation.port import Extractor, Generator
from service.retrieval.port import Retriever
from service.routing.port import ModelDirectory, Router


@dataclass(frozen=True, slots=True)
class Budgets:
    """Longest waits and times to live, in seconds. Queue and token waits belong to limiter and generator."""

    total_s: float = 120.0
    embed_s: float = 5.0
    retrieve_s: float = 2.0
    ttl_s: float = 3600.0
    degraded_ttl_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Parts:
    """The ports behind one `/ask`, in the order in which they are used. `policy` names the routing policy.

    `note_load` hears the seconds that a cold load of a model took, for the router's predictions. `waiting` says what a
    first start is still busy with, in words; empty after it.
    """

    router: Router
    answers: Cache
    embedder: Embedder
    retriever: Retriever
    prompts: PromptBuilder
    prompt_cache: Cache
    limiter: Limiter
    generator: Generator
    extractor: Extractor
    directory: ModelDirectory
    corpus_version: Callable[[], int]
    note_load: Callable[[str, float], None]
    waiting: Callable[[], str] = lambda: ""
    policy: str = "scored"
    budgets: Budgets = Budgets()
