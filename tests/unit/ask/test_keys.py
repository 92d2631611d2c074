"""Which kept answers could answer a question."""

from dataclasses import replace

import pytest

from service.ask.keys import answer_keys, final_prompt_key, made_key
from service.ask.parts import Parts
from service.ask.prompt import BudgetedPromptBuilder
from service.ask.types import Question
from service.routing.port import ModelSnapshot, RouteReason
from tests.unit.ask.samples import passage, route
from tests.unit.ask.stand import Stand

QUESTION = Question("What is momentum?")


@pytest.fixture
def parts() -> Parts:
    return Stand().parts


def test_the_wanted_model_comes_first_then_what_would_be_used_instead(parts: Parts) -> None:
    assert len(answer_keys(QUESTION, route(), parts)) == 1
    stepped = answer_keys(QUESTION, route("large", "small", RouteReason.STEPPED_DOWN), parts)
    assert stepped == (made_key(QUESTION, "small", 1, parts), made_key(QUESTION, "large", 1, parts))
    quoted = answer_keys(QUESTION, route(None, "small", RouteReason.UNAVAILABLE), parts)
    assert quoted == (made_key(QUESTION, "small", 1, parts), made_key(QUESTION, None, 1, parts))


@pytest.mark.parametrize(
    "other",
    [
        replace(QUESTION, text="What is not momentum?"),
        replace(QUESTION, temperature=0.2),
        replace(QUESTION, max_tokens=100),
        replace(QUESTION, top_k=3),
        replace(QUESTION, tenant="someone else"),
        replace(QUESTION, scope="other"),
    ],
    ids=["text", "temperature", "max_tokens", "top_k", "tenant", "scope"],
)
def test_whatever_changes_the_answer_changes_the_key(parts: Parts, other: Question) -> None:
    assert made_key(QUESTION, "small", 1, parts) != made_key(other, "small", 1, parts)


def test_version_model_digest_and_template_are_part_of_it(parts: Parts) -> None:
    own = made_key(QUESTION, "small", 1, parts)
    assert made_key(QUESTION, "small", 2, parts).digest != own.digest
    assert made_key(QUESTION, "small", 2, parts).family == own.family
    assert made_key(QUESTION, "large", 1, parts).family != own.family
    assert made_key(QUESTION, "small", 1, replace(parts, policy="seed")) != own


def test_a_model_pulled_anew_is_another_one() -> None:
    stand = Stand()
    own = made_key(QUESTION, "small", 1, stand.parts)
    states = dict(stand.directory.current.models)
    states["small"] = replace(states["small"], digest="sha-new")
    stand.directory.current = replace(stand.directory.current, models=states)
    anew = made_key(QUESTION, "small", 1, stand.parts)
    assert (anew.digest == own.digest, anew.family == own.family) == (False, True)
    stand.directory.current = ModelSnapshot()
    assert made_key(QUESTION, "small", 1, stand.parts).digest not in {own.digest, anew.digest}


def test_the_final_prompt_is_compared_letter_by_letter(parts: Parts) -> None:
    def key(text: str, model: str = "small") -> object:
        prompt = BudgetedPromptBuilder(8192).build(text, [passage(1)], 100)
        return final_prompt_key(QUESTION, model, prompt, parts)

    assert key("What?") == key("What?")
    assert key("What?") != key("what?")
    assert key("What?") != key("What?", "large")
