"""From a request to a `Question`: defaults, limits that settings own, and the cache's directions."""

from fastapi import Request

from service.api.bodies import AskBody, CacheBody
from service.api.validation import Fault, Invalid
from service.ask.types import Question
from service.auth.principal import Principal
from service.cache.port import CacheControl
from service.routing.port import AUTO
from service.services import HttpLimits, Services


def question_of(body: AskBody, request: Request, principal: Principal, services: Services) -> Question:
    """Raises `Invalid`."""
    check_text("query", body.query, services.limits)
    if body.top_k is not None and body.top_k > services.limits.max_top_k:
        raise Invalid([Fault("top_k", f"at most {services.limits.max_top_k} passages")])
    defaults = services.defaults
    return Question(
        text=body.query,
        model=body.model or AUTO,
        temperature=defaults.temperature if body.temperature is None else body.temperature,
        max_tokens=body.max_tokens or defaults.max_tokens,
        top_k=body.top_k or defaults.top_k,
        cache=cache_control(body.cache, request.headers.get("cache-control", "")),
        tenant=principal.tenant,
        trace=services.current_trace(),
    )


def check_text(field: str, text: str, limits: HttpLimits) -> None:
    """Raises `Invalid` for a question that is empty, too long, or holds a NUL character."""
    if not text.strip():
        raise Invalid([Fault(field, "is empty; ask a question of 1 to " + _characters(limits.max_question_chars))])
    if len(text) > limits.max_question_chars:
        raise Invalid([Fault(field, f"has {_characters(len(text))}, {limits.max_question_chars:,} are allowed")])
    if "\0" in text:
        raise Invalid([Fault(field, "holds a NUL character")])


def cache_control(body: CacheBody | None, header: str) -> CacheControl:
    """The body's directions, and `no-cache` and `no-store` of the header."""
    if body is None and not header:
        return _NO_WISHES
    directives = {directive.strip().lower() for directive in header.split(",")}
    body = body or CacheBody()
    return CacheControl(
        no_cache=bool(body.no_cache) or "no-cache" in directives,
        no_store=bool(body.no_store) or "no-store" in directives,
        ttl_s=body.ttl,
        s_maxage_s=body.s_maxage,
    )


_NO_WISHES = CacheControl()


def _characters(count: int) -> str:
    return f"{count:,} characters"
