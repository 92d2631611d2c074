"""Which cache entries could answer a question: best first."""

from service.ask.parts import Parts
from service.ask.prompt import Prompt
from service.ask.types import Mode, Question
from service.cache.key import answer_key, prompt_key
from service.cache.port import CacheKey
from service.routing.port import ModelSnapshot, Route


def answer_keys(question: Question, route: Route, parts: Parts) -> tuple[CacheKey, ...]:
    """The wanted model's key, then the key of what would be used instead.

    A model's last known digest survives its server, so answers made by it are still found while it is away.
    """
    version = parts.corpus_version()
    wanted = made_key(question, route.wanted, version, parts)
    if route.model == route.wanted:
        return (wanted,)
    return (wanted, made_key(question, route.model, version, parts))


def made_key(question: Question, model: str | None, corpus_version: int, parts: Parts) -> CacheKey:
    """Key of the answer that `model` makes from this version of the corpus; None = quoted without a model."""
    return answer_key(
        tenant=question.tenant,
        scope=question.scope,
        text=question.text,
        corpus_version=corpus_version,
        model=model or "",
        digest=_digest(parts.directory.snapshot(), model),
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
