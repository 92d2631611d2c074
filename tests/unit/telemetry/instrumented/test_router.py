"""The router's span: the decision, never the client's words."""

from dataclasses import replace

import pytest

from service.errors import UnknownModel
from service.telemetry.instrumented.router import InstrumentedRouter
from tests.fakes.router import FakeRouter
from tests.telemetry.recorder import Recorder
from tests.unit.ask.samples import route


async def test_a_decision_passes_unchanged_and_is_told() -> None:
    recorder, decision = Recorder(), route("large", "small", fallbacks=("small",))
    inner = FakeRouter(decision)
    assert await InstrumentedRouter(inner, recorder.stages).route("What?", "auto") is decision
    assert inner.calls == [("What?", "auto")]
    attributes = recorder.only().attributes
    assert attributes["rag.route.chosen"] == "large"
    assert attributes["rag.route.tier"] == "simple"
    assert attributes["rag.route.reason"] == "policy"
    assert attributes["rag.route.reasons"] == ("few words",)
    assert attributes["rag.route.fallbacks"] == ("small",)
    assert attributes["rag.route.feature.words"] == 4
    assert attributes["rag.route.feature.code"] is False


async def test_no_model_is_none() -> None:
    recorder = Recorder()
    await InstrumentedRouter(FakeRouter(route(None)), recorder.stages).route("What?", "auto")
    assert recorder.only().attributes["rag.route.chosen"] == "none"


async def test_words_of_the_question_and_of_the_client_are_left_out() -> None:
    recorder = Recorder()
    told = ("ignored the requested evil", "2 trading terms (rsi, macd)", "short")
    decision = replace(route(requested="evil"), explanation=told)
    await InstrumentedRouter(FakeRouter(decision), recorder.stages).route("What?", "evil")
    attributes = recorder.only().attributes
    assert attributes["rag.route.requested"] == "other"
    assert attributes["rag.route.reasons"] == ("2 trading terms", "short")


async def test_a_refusal_is_raised_and_named() -> None:
    recorder = Recorder()
    with pytest.raises(UnknownModel):
        await InstrumentedRouter(FakeRouter(UnknownModel("no")), recorder.stages).route("What?", "evil")
    assert recorder.only().attributes["error.type"] == "model_not_found"
