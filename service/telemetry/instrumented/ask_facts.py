"""What the span of a question says about it: pure functions from results to attributes."""

from service.ask.types import AskResult, CacheFacts, Failed, Outcome, Question, Timings
from service.routing.port import Route
from service.telemetry.catalogue import Attribute
from service.telemetry.content import messages_json
from service.telemetry.stage import Attributes

_Facts = dict[str, str | int | float | bool | tuple[str, ...]]


def answered_attributes(result: AskResult) -> Attributes:
    """Of a question that got its answer."""
    facts = _common(result.route, result.cache, result.timings)
    facts |= {
        Attribute.TIER: result.tier.value,
        Attribute.MODE: result.answer.mode.value,
        Attribute.OUTCOME: result.outcome.value,
    }
    if result.answer.model is not None:
        facts[Attribute.RESPONSE_MODEL] = result.answer.model
    if result.answer.degraded:
        facts[Attribute.DEGRADED] = tuple(name.value for name in result.answer.degraded)
    if result.completion is not None or result.cold:
        facts[Attribute.COLD] = result.cold
    return facts


def failed_attributes(event: Failed, stage: str) -> Attributes:
    """Of a question that failed; `stage` is where."""
    return {
        **_common(event.route, event.cache, event.timings),
        **left_attributes(event.route, event.outcome, stage),
    }


def left_attributes(route: Route | None, outcome: Outcome, stage: str) -> Attributes:
    """Of a question without a last event."""
    facts: _Facts = {Attribute.OUTCOME: outcome.value, Attribute.STAGE: stage}
    if route is not None:
        facts[Attribute.TIER] = route.tier.value
        if route.model is not None:
            facts[Attribute.REQUEST_MODEL] = route.model
    return facts


def question_content(question: Question) -> Attributes:
    """The question, where content is wanted."""
    return {Attribute.INPUT_MESSAGES: messages_json((("user", question.text),))}


def answer_content(result: AskResult) -> Attributes:
    """The answer, where content is wanted."""
    finish = result.completion.finish.value if result.completion is not None else "stop"
    return {Attribute.OUTPUT_MESSAGES: messages_json((("assistant", result.answer.text),), finish=finish)}


def _common(route: Route | None, cache: CacheFacts | None, timings: Timings) -> _Facts:
    facts: _Facts = {Attribute.UNACCOUNTED: timings.unaccounted_s}
    if route is not None and route.model is not None:
        facts[Attribute.REQUEST_MODEL] = route.model
    if cache is not None:
        facts[Attribute.CACHE_RESULT] = cache.result.value
        facts[Attribute.CACHE_NAME] = cache.name.value
        if cache.age_s or cache.saved_s:
            facts |= {Attribute.CACHE_AGE: cache.age_s, Attribute.CACHE_SAVED: cache.saved_s}
    return facts
