"""Which cache entries could answer a question: best first."""

from service.ask.parts import Parts
from service.ask.prompt import Prompt
from service.ask.types import Mode, Question
from service.cache.key import answer_key, prompt_key
from service.cache.port import CacheKey
from service.routing.port import ModelSnapshot, Route


def answer_keys(question: Question, route: Route, parts: Parts) -> tuple[CacheKey, ...]:
    """The wanted model's key, then the key of what would be used instead. The last one is where a new answer goes.

    A model's last known digest survives its server, so answers made by it are still found while it is away.
    """
    snapshot = parts.directory.snapshot()
    wanted = _key(question, route.wanted, snapshot, parts)
    if route.model == route.wanted:
        return (wanted,)
    return (wanted, _key(question, route.model, snapshot, parts))


def _key(question: Question, model: str | None, snapshot: ModelSnapshot, parts: Parts) -> CacheKey:
    return answer_key(
        tenant=question.tenant,
        scope=question.scope,
        text=question.text,
        corpus_version=parts.corpus_version(),
        model=model or "",
        digest=_digest(snapshot, model),
        template_hash=parts.prompts.template_hash,
        policy=parts.policy,
        top_k=question.top_k,
        temperature=question.temperature,
        max_tokens=question.max_tokens,
        retrieval=parts.embedder.model,
        mode=Mode.GENERATED if model else Mode.EXTRACTIVE,
    )


def final_prompt_key(question: Question, model: str, prompt: Prompt, parts: Parts) -> CacheKey:
    """Key of the second level: the exact prompt, so that unrelated changes of the corpus cost no new generation."""
    return prompt_key(
        tenant=question.tenant,
        scope=question.scope,
        messages=tuple((message.role, message.content) for message in prompt.messages),
        model=model,
        digest=_digest(parts.directory.snapshot(), model),
        temperature=question.temperature,
        max_tokens=question.max_tokens,
    )


def _digest(snapshot: ModelSnapshot, model: str | None) -> str:
    state = snapshot.models.get(model) if model else None
    return (state.digest or "") if state else ""
