"""Which installation a drill is run against, and what is asked of it."""

from collections.abc import Callable

import pytest

from service.cli.drill.alertmanager import Alertmanager
from service.cli.drill.parts import Parts
from service.cli.drill.prometheus import Prometheus
from service.cli.drill.scene import Scene
from service.cli.failures import USAGE, Failure
from tests.fakes.drill_machine import FakeMachine
from tests.fakes.drill_parts import FakeDrillService, model

Make = Callable[..., Scene]


def nothing(seconds: float) -> None:
    """Nobody waits."""


@pytest.fixture
def make() -> Make:
    def made(service: FakeDrillService | None = None, **fields: str) -> Scene:
        asked = service or FakeDrillService()
        parts = Parts(asked.url, FakeMachine(), nothing)  # type: ignore[arg-type]
        return Scene(asked, Prometheus(""), Alertmanager(""), parts, nothing, **fields)  # type: ignore[arg-type]

    return made


def test_a_development_instance_is_entered(make: Make) -> None:
    scene = make()
    scene.enter()
    assert scene.environment == "development"


@pytest.mark.parametrize("environment", ["production", "staging", ""])
def test_any_other_is_refused_with_the_reason(make: Make, environment: str) -> None:
    with pytest.raises(Failure, match="No drill is run") as refused:
        make(service=FakeDrillService(environment)).enter()
    assert "breaks things on purpose" in refused.value.why
    assert refused.value.code == USAGE


def test_the_smallest_installed_model_is_chosen_unless_one_is_named(make: Make) -> None:
    scene, named = make(), make(model="large:7b")
    scene.choose_model()
    named.choose_model()
    assert (scene.model, named.model) == ("small:1b", "large:7b")
    with pytest.raises(Failure, match="absent:1b is not an installed"):
        make(model="absent:1b").choose_model()
    service = FakeDrillService()
    service.models = [model("absent:1b", 0, installed=False)]
    with pytest.raises(Failure, match="No chat model"):
        make(service=service).choose_model()


def test_a_question_goes_past_the_cache_unless_it_is_said(make: Make) -> None:
    service = FakeDrillService()
    scene = make(service=service, model="small:1b", question="Which {number}? {other}")
    scene.ask(7)
    scene.ask(8, cache={})
    assert [body["query"] for body in service.asked] == ["Which 7? {other}", "Which 8? {other}"]
    assert [body["cache"] for body in service.asked] == [{"no-cache": True, "no-store": True}, {}]


def test_a_question_that_no_model_answers_is_refused(make: Make) -> None:
    service = FakeDrillService()
    make(service=service, model="small:1b").try_question()
    service.mode = "no_context"
    with pytest.raises(Failure, match="did not answer") as refused:
        make(service=service, model="small:1b").try_question()
    assert "--question" in refused.value.todo


def test_an_unloaded_model_is_waited_for_until_the_service_knows_of_it(make: Make) -> None:
    service = FakeDrillService()
    scene = make(service, model="small:1b")
    for one in service.models:
        one["resident"] = True
    waits: list[float] = []

    def pause(seconds: float) -> None:
        waits.append(seconds)
        service.models[1]["resident"] = len(waits) < 3

    scene.pause = pause
    scene.await_unloaded()
    assert len(waits) == 3
    scene.pause = waits.append
    service.models[1]["resident"] = True
    scene.await_unloaded()
    assert sum(waits) < 20


def test_what_the_service_saw_before_the_model_was_unloaded_does_not_count(make: Make) -> None:
    service = FakeDrillService()
    scene = make(service, model="small:1b")
    service.looks = False
    waits: list[float] = []

    def pause(seconds: float) -> None:
        waits.append(seconds)
        service.looks = len(waits) >= 2

    scene.pause = pause
    scene.await_unloaded()
    assert len(waits) == 2
