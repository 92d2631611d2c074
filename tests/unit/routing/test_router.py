from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import pytest

from service.admission.port import Admission, Load
from service.errors import ErrorKind, UnknownModel
from service.generation.port import BreakerState
from service.routing.loads import LoadTimes
from service.routing.policy import SeedPolicy
from service.routing.port import ModelSnapshot, Router, RouteReason, Tier
from service.routing.router import AvailabilityRouter, full_name
from tests.fakes.health import FakeHealth
from tests.fakes.model_directory import FakeModelDirectory, snapshot_of

SMALL, MIDDLE, CODER, LARGE, EXTRA = "llama3.2:3b", "llama3.1:latest", "qwen2.5-coder:14b", "gpt-oss:20b", "extra:1b"
MODELS = {Tier.SIMPLE: SMALL, Tier.MEDIUM: MIDDLE, Tier.COMPLEX: CODER, Tier.RESEARCH: LARGE}
ALL_WARM = dict.fromkeys((*MODELS.values(), EXTRA), True)
RESEARCH = "a comprehensive view"


class Queues:
    """A limiter of which only the counts are read; `loads` holds those that are not idle."""

    def __init__(self) -> None:
        self.loads: dict[str, Load] = {}

    def admit(self, model: str) -> AbstractAsyncContextManager[Admission]:
        raise AssertionError(f"routing must not ask for admission to {model}")

    def load(self, model: str) -> Load:
        return self.loads.get(model, Load(in_flight=0, waiting=0, slots=1, max_waiting=2, usual_service_s=10.0))


class Bench:
    """A router and everything it looks at."""

    def __init__(self, snapshot: ModelSnapshot | None = None, *, always_auto: bool = False) -> None:
        self.directory = FakeModelDirectory(snapshot_of(ALL_WARM) if snapshot is None else snapshot)
        self.health = FakeHealth()
        self.queues = Queues()
        self.loads = LoadTimes()
        self.router: Router = AvailabilityRouter(
            SeedPolicy(),
            MODELS,
            (*MODELS.values(), EXTRA),
            always_auto,
            20.0,
            self.directory,
            self.health,
            self.queues,
            self.loads,
        )


@pytest.mark.parametrize(
    ("text", "tier", "model"),
    [
        ("hello", Tier.SIMPLE, SMALL),
        ("Explain RSI indicator", Tier.MEDIUM, MIDDLE),
        ("explain correlation", Tier.COMPLEX, CODER),
        (RESEARCH, Tier.RESEARCH, LARGE),
    ],
)
async def test_auto_takes_the_tiers_model(text: str, tier: Tier, model: str) -> None:
    route = await Bench().router.route(text, "auto")
    assert (route.tier, route.wanted, route.model, route.reason) == (tier, model, model, RouteReason.POLICY)
    assert route.explanation
    assert set(route.fallbacks) == set(MODELS.values()) - {model}


@pytest.mark.parametrize("requested", ["auto", "AUTO", "", "  ", " auto "])
async def test_every_way_of_asking_for_auto(requested: str) -> None:
    route = await Bench().router.route("hello", requested)
    assert (route.requested, route.reason) == ("auto", RouteReason.POLICY)


async def test_no_name_at_all_is_auto() -> None:
    bench = Bench()
    assert isinstance(bench.router, AvailabilityRouter)
    assert (await bench.router.route("hello", None)).requested == "auto"


async def test_the_features_and_the_policys_reasons_are_in_the_route() -> None:
    route = await Bench().router.route("Compare and analyze", "auto")
    assert route.features.complex_indicators == 2
    assert route.explanation == ("2 complex indicators (analyze, compare)",)


async def test_a_named_model_is_honoured_and_recorded_even_cold_and_busy() -> None:
    bench = Bench(snapshot_of({**ALL_WARM, LARGE: False}, sizes={LARGE: 900_000_000_000}))
    bench.queues.loads[LARGE] = Load(in_flight=1, waiting=2, slots=1, max_waiting=2, usual_service_s=10.0)
    route = await bench.router.route("hello", LARGE)
    assert (route.requested, route.wanted, route.model) == (LARGE, LARGE, LARGE)
    assert (route.reason, route.tier, route.warm) == (RouteReason.REQUESTED, Tier.SIMPLE, None)
    assert route.explanation[0] == f"{LARGE} was asked for"
    assert route.fallbacks == (CODER, MIDDLE, SMALL)


async def test_a_model_without_a_tier_may_be_named_but_is_never_a_fallback() -> None:
    route = await Bench().router.route("Explain RSI indicator", EXTRA)
    assert (route.model, route.fallbacks) == (EXTRA, (MIDDLE, SMALL, CODER, LARGE))
    assert EXTRA not in (await Bench().router.route("hello", "auto")).fallbacks


async def test_the_implicit_tag_is_latest() -> None:
    route = await Bench().router.route("hello", "llama3.1")
    assert (route.model, route.requested) == (MIDDLE, MIDDLE)


@pytest.mark.parametrize("name", ["gpt-4", "llama3.2", "llama3.1:8b", "LLAMA3.1", "nomic-embed-text", "../x", "a b"])
async def test_a_name_outside_the_list_is_refused_with_the_list(name: str) -> None:
    with pytest.raises(UnknownModel) as caught:
        await Bench().router.route("hello", name)
    assert caught.value.kind is ErrorKind.MODEL_NOT_FOUND
    assert f"auto, {SMALL}, {MIDDLE}, {CODER}, {LARGE}, {EXTRA}" in caught.value.detail


async def test_a_hostile_name_is_shown_short_and_printable() -> None:
    with pytest.raises(UnknownModel) as caught:
        await Bench().router.route("hello", "x\x1b[2J\n" + "y" * 5000)
    assert len(caught.value.detail) < 300
    assert caught.value.detail.isprintable()


async def test_always_auto_ignores_the_name_and_says_so() -> None:
    route = await Bench(always_auto=True).router.route("hello", LARGE)
    assert (route.requested, route.model, route.reason) == (LARGE, SMALL, RouteReason.POLICY)
    assert route.explanation[0] == f"the service always chooses: ignored the requested {LARGE}"


async def test_always_auto_ignores_even_names_nobody_offers() -> None:
    route = await Bench(always_auto=True).router.route("hello", "gpt-4" * 100)
    assert route.model == SMALL
    assert len(route.requested) < 70


@pytest.mark.parametrize("requested", ["auto", LARGE])
@pytest.mark.parametrize(
    ("snapshot", "words"),
    [
        (ModelSnapshot(), "not been seen yet"),
        (replace(snapshot_of(ALL_WARM), reachable=False), "cannot be reached"),
        (replace(snapshot_of(ALL_WARM), polled_at=0.0), "not been seen yet"),
    ],
)
async def test_without_a_server_there_is_no_model(snapshot: ModelSnapshot, words: str, requested: str) -> None:
    route = await Bench(snapshot).router.route(RESEARCH, requested)
    assert (route.model, route.reason, route.wanted) == (None, RouteReason.UNAVAILABLE, LARGE)
    assert words in route.explanation[-1]
    assert (route.fallbacks, route.warm) == ((), None)


@pytest.mark.parametrize("requested", ["auto", SMALL])
async def test_the_servers_open_breaker_means_no_model(requested: str) -> None:
    bench = Bench()
    bench.health.server = BreakerState.OPEN
    route = await bench.router.route("hello", requested)
    assert (route.model, route.reason, route.wanted) == (None, RouteReason.UNAVAILABLE, SMALL)
    bench.health.server = BreakerState.HALF_OPEN
    assert (await bench.router.route("hello", requested)).model == SMALL


async def test_a_models_open_breaker_steps_aside() -> None:
    bench = Bench()
    bench.health.models[MIDDLE] = BreakerState.OPEN
    route = await bench.router.route("Explain RSI indicator", "auto")
    assert (route.model, route.reason, route.wanted) == (SMALL, RouteReason.STEPPED_DOWN, MIDDLE)
    assert MIDDLE not in route.fallbacks


async def test_a_missing_model_steps_down_and_is_named() -> None:
    route = await Bench(snapshot_of({SMALL: True, LARGE: True}, missing=(MIDDLE,))).router.route("Explain RSI", "auto")
    assert (route.model, route.reason, route.wanted) == (SMALL, RouteReason.STEPPED_DOWN, MIDDLE)
    assert route.explanation[-1] == f"{MIDDLE} is not installed: took {SMALL}"
    assert route.fallbacks == (LARGE,)


async def test_a_missing_small_model_steps_up() -> None:
    route = await Bench(snapshot_of({LARGE: True})).router.route("hello", "auto")
    assert (route.model, route.reason) == (LARGE, RouteReason.STEPPED_UP)


async def test_no_installed_model_is_unavailable_not_an_error() -> None:
    route = await Bench(snapshot_of({})).router.route("hello", "auto")
    assert (route.model, route.reason, route.wanted) == (None, RouteReason.UNAVAILABLE, SMALL)


async def test_a_named_model_that_is_not_installed_says_how_to_get_it() -> None:
    with pytest.raises(UnknownModel) as caught:
        await Bench(snapshot_of({SMALL: True}, missing=(LARGE,))).router.route("hello", LARGE)
    assert f"emini-rag models pull {LARGE}" in caught.value.detail


async def test_a_cold_model_is_replaced_and_warmed_by_size_and_by_experience() -> None:
    bench = Bench(snapshot_of({**ALL_WARM, LARGE: False}, sizes={LARGE: 40_000_000_000}))
    route = await bench.router.route(RESEARCH, "auto")
    assert (route.model, route.reason, route.warm) == (CODER, RouteReason.STEPPED_DOWN, LARGE)
    assert "about 40 s of wait, 20 s allowed" in route.explanation[-1]
    bench.loads.note(LARGE, 5.0)
    route = await bench.router.route(RESEARCH, "auto")
    assert (route.model, route.warm) == (LARGE, None)


async def test_a_long_queue_and_a_full_one_step_down() -> None:
    bench = Bench()
    bench.queues.loads[LARGE] = Load(in_flight=1, waiting=1, slots=1, max_waiting=9, usual_service_s=30.0)
    assert (await bench.router.route(RESEARCH, "auto")).model == CODER
    bench.queues.loads[LARGE] = Load(in_flight=1, waiting=2, slots=1, max_waiting=2, usual_service_s=0.0)
    route = await bench.router.route(RESEARCH, "auto")
    assert (route.model, route.reason, route.warm) == (CODER, RouteReason.STEPPED_DOWN, None)
    assert "queue is full" in route.explanation[-1]


async def test_decisions_follow_the_snapshot_and_poll_nothing() -> None:
    bench = Bench(ModelSnapshot())
    assert (await bench.router.route("hello", "auto")).model is None
    bench.directory.current = snapshot_of(ALL_WARM)
    assert (await bench.router.route("hello", "auto")).model == SMALL
    assert bench.directory.calls == []


async def test_a_directory_that_spells_the_tag_differently_is_understood() -> None:
    route = await Bench(snapshot_of({"llama3.1": True})).router.route("Explain RSI", "auto")
    assert route.model == MIDDLE


def test_every_tier_needs_a_model() -> None:
    bench = Bench()
    with pytest.raises(ValueError, match="complex, research"):
        AvailabilityRouter(
            SeedPolicy(),
            {Tier.SIMPLE: SMALL, Tier.MEDIUM: MIDDLE},
            (SMALL,),
            False,
            20.0,
            bench.directory,
            bench.health,
            bench.queues,
        )


def test_full_name() -> None:
    assert full_name("a") == "a:latest"
    assert full_name("a:1b") == "a:1b"
    assert full_name("host:5000/org/a") == "host:5000/org/a:latest"
