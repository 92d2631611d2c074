"""Results as attributes."""

import json
from dataclasses import replace

from service.ask.types import CacheFacts, Failed, Mode, Outcome, Question, Timings
from service.cache.port import CacheName, CacheResult
from service.errors import ErrorKind, ServiceError
from service.telemetry.instrumented.ask_facts import (
    answer_content,
    answered_attributes,
    failed_attributes,
    left_attributes,
    question_content,
)
from tests.unit.ask.samples import completion, route
from tests.unit.telemetry.instrumented.test_asker import RESULT


def test_a_hit_tells_its_age_and_what_it_saved() -> None:
    hit = replace(RESULT, cache=CacheFacts(CacheResult.HIT, CacheName.PROMPT, 3.0, 2.0))
    facts = answered_attributes(hit)
    assert (facts["rag.cache.name"], facts["rag.cache.age_s"], facts["rag.cache.saved_s"]) == ("prompt", 3.0, 2.0)
    assert "rag.cold" not in facts


def test_an_answer_without_a_model_has_none() -> None:
    answer = replace(RESULT.answer, model=None, mode=Mode.EXTRACTIVE, degraded=())
    facts = answered_attributes(replace(RESULT, answer=answer, route=route(None)))
    assert facts["rag.mode"] == "extractive"
    assert not {"gen_ai.request.model", "gen_ai.response.model", "rag.degraded"} & set(facts)


def test_a_failure_before_the_decision_has_no_tier() -> None:
    facts = failed_attributes(Failed(ServiceError(ErrorKind.OTHER, ""), Outcome.ERROR, Timings(1.0, {}, 1.0)), "route")
    assert facts == {"rag.unaccounted_s": 1.0, "rag.outcome": "error", "rag.stage": "route"}
    assert left_attributes(route("small"), Outcome.CANCELLED, "embed") == {
        "rag.outcome": "cancelled",
        "rag.stage": "embed",
        "rag.tier": "simple",
        "gen_ai.request.model": "small",
    }


def test_content_has_the_form_of_the_conventions() -> None:
    (asked,) = json.loads(str(question_content(Question("Why?"))["gen_ai.input.messages"]))
    (said,) = json.loads(str(answer_content(replace(RESULT, completion=completion()))["gen_ai.output.messages"]))
    assert (asked["role"], asked["parts"][0]["content"]) == ("user", "Why?")
    assert (said["role"], said["finish_reason"]) == ("assistant", "stop")
