from hypothesis import given
from hypothesis import strategies as st

from service.admission.port import Load
from service.generation.port import BreakerState
from service.routing.availability import Choice, Preference, Standing, choose, honour, preferences, standing
from service.routing.port import ModelState, RouteReason, Tier

MODELS = {Tier.SIMPLE: "s", Tier.MEDIUM: "m", Tier.COMPLEX: "c", Tier.RESEARCH: "r"}
WARM = Standing(installed=True, resident=True)
COLD = Standing(installed=True, wait_s=30.0)
GONE = Standing(installed=False)
FAILING = Standing(installed=True, failing=True, resident=True)
FULL = Standing(installed=True, resident=True, full=True)
IDLE = Load(in_flight=0, waiting=0, slots=1, max_waiting=2, usual_service_s=10.0)


def decide(tier: Tier, standings: dict[str, Standing], budget_s: float = 20.0) -> Choice:
    return choose(preferences(MODELS[tier], tier, MODELS), standings, budget_s)


def named(order: tuple[Preference, ...]) -> list[str]:
    return [preference.model for preference in order]


def test_order_is_wanted_then_smaller_from_near_to_far_then_larger() -> None:
    assert named(preferences("s", Tier.SIMPLE, MODELS)) == ["s", "m", "c", "r"]
    assert named(preferences("m", Tier.MEDIUM, MODELS)) == ["m", "s", "c", "r"]
    assert named(preferences("c", Tier.COMPLEX, MODELS)) == ["c", "m", "s", "r"]
    assert named(preferences("r", Tier.RESEARCH, MODELS)) == ["r", "c", "m", "s"]


def test_order_names_the_direction_and_each_model_once() -> None:
    order = preferences("c", Tier.COMPLEX, {**MODELS, Tier.SIMPLE: "c", Tier.RESEARCH: "m"})
    assert order == (Preference("c", RouteReason.POLICY), Preference("m", RouteReason.STEPPED_DOWN))


def test_a_model_without_a_tier_is_followed_by_the_tiers_own_model() -> None:
    order = preferences("extra", Tier.MEDIUM, MODELS, RouteReason.REQUESTED)
    assert named(order) == ["extra", "m", "s", "c", "r"]
    assert order[0].reason is RouteReason.REQUESTED


def test_standing_of_a_model_that_is_not_there() -> None:
    assert standing(None, BreakerState.CLOSED, IDLE, 9.0) == GONE
    assert standing(ModelState("m"), BreakerState.CLOSED, IDLE, 9.0) == GONE


def test_predicted_wait_is_load_plus_queue() -> None:
    cold, warm = ModelState("m", installed=True), ModelState("m", installed=True, resident=True)
    busy = Load(in_flight=1, waiting=1, slots=1, max_waiting=2, usual_service_s=10.0)
    assert standing(cold, BreakerState.CLOSED, IDLE, 9.0).wait_s == 9.0
    assert standing(warm, BreakerState.CLOSED, IDLE, 9.0).wait_s == 0.0
    assert standing(warm, BreakerState.CLOSED, busy, 9.0).wait_s == 20.0
    assert standing(cold, BreakerState.CLOSED, busy, 9.0).wait_s == 29.0


def test_free_slots_mean_no_queue_and_more_slots_drain_it_faster() -> None:
    state = ModelState("m", installed=True, resident=True)
    free = Load(in_flight=1, waiting=0, slots=2, max_waiting=2, usual_service_s=10.0)
    taken = Load(in_flight=2, waiting=1, slots=2, max_waiting=2, usual_service_s=10.0)
    assert standing(state, BreakerState.CLOSED, free, 0.0).wait_s == 0.0
    assert standing(state, BreakerState.CLOSED, taken, 0.0).wait_s == 10.0


def test_full_and_failing() -> None:
    state = ModelState("m", installed=True, resident=True)
    almost = Load(in_flight=1, waiting=1, slots=1, max_waiting=2, usual_service_s=0.0)
    full = Load(in_flight=1, waiting=2, slots=1, max_waiting=2, usual_service_s=0.0)
    assert not standing(state, BreakerState.CLOSED, almost, 0.0).full
    assert standing(state, BreakerState.CLOSED, full, 0.0).full
    assert standing(state, BreakerState.OPEN, IDLE, 0.0).failing
    assert not standing(state, BreakerState.HALF_OPEN, IDLE, 0.0).failing


def test_the_wanted_model_answers_when_it_can() -> None:
    choice = decide(Tier.MEDIUM, {"s": WARM, "m": WARM, "c": COLD, "r": GONE})
    assert choice == Choice("m", RouteReason.POLICY, (), ("s", "c"), None)


def test_cold_within_the_budget_is_no_reason_to_step() -> None:
    choice = decide(Tier.MEDIUM, {"s": WARM, "m": COLD, "c": WARM, "r": WARM}, budget_s=30.0)
    assert (choice.model, choice.reason, choice.warm) == ("m", RouteReason.POLICY, None)


def test_a_missing_model_steps_down_before_up() -> None:
    choice = decide(Tier.MEDIUM, {"s": WARM, "m": GONE, "c": WARM, "r": WARM})
    assert (choice.model, choice.reason) == ("s", RouteReason.STEPPED_DOWN)
    assert choice.explanation == ("m is not installed: took s",)
    assert choice.fallbacks == ("c", "r")


def test_nothing_smaller_steps_up_to_the_nearest() -> None:
    choice = decide(Tier.MEDIUM, {"s": GONE, "m": GONE, "c": WARM, "r": WARM})
    assert (choice.model, choice.reason, choice.warm) == ("c", RouteReason.STEPPED_UP, None)
    assert choice.explanation == ("m is not installed: took c", "s is not installed: took c")


def test_an_open_breaker_steps_aside() -> None:
    choice = decide(Tier.RESEARCH, {"s": WARM, "m": WARM, "c": FAILING, "r": FAILING})
    assert (choice.model, choice.reason, choice.fallbacks) == ("m", RouteReason.STEPPED_DOWN, ("s",))
    assert choice.explanation[0] == "r keeps failing: took m"


def test_a_cold_model_beyond_the_budget_steps_down_and_is_warmed() -> None:
    choice = decide(Tier.RESEARCH, {"s": WARM, "m": WARM, "c": COLD, "r": COLD})
    assert (choice.model, choice.reason, choice.warm) == ("m", RouteReason.STEPPED_DOWN, "r")
    assert choice.explanation == ("r: not loaded, about 30 s of wait, 20 s allowed: took m",)
    assert choice.fallbacks == ("r", "c", "s")


def test_a_full_queue_steps_down_and_warms_nothing() -> None:
    choice = decide(Tier.COMPLEX, {"s": WARM, "m": FULL, "c": FULL, "r": WARM})
    assert (choice.model, choice.reason, choice.warm) == ("s", RouteReason.STEPPED_DOWN, None)
    assert choice.explanation == ("c: its queue is full: took s",)


def test_a_larger_loaded_model_is_taken_when_no_smaller_one_is() -> None:
    choice = decide(Tier.SIMPLE, {"s": COLD, "m": COLD, "c": WARM, "r": WARM})
    assert (choice.model, choice.reason, choice.warm) == ("c", RouteReason.STEPPED_UP, "s")


def test_when_nothing_fits_the_budget_the_wanted_model_stays() -> None:
    slow = Standing(installed=True, resident=True, wait_s=40.0)
    choice = decide(Tier.COMPLEX, {"s": slow, "m": FULL, "c": COLD, "r": COLD})
    assert (choice.model, choice.reason, choice.warm) == ("c", RouteReason.POLICY, None)
    assert choice.explanation == ("c: not loaded, about 30 s of wait, 20 s allowed: kept, no loaded model is quicker",)


def test_missing_then_cold_explains_both_steps() -> None:
    choice = decide(Tier.RESEARCH, {"s": WARM, "m": GONE, "c": COLD, "r": GONE})
    assert (choice.model, choice.warm) == ("s", "c")
    assert choice.explanation == (
        "r is not installed: took c",
        "c: not loaded, about 30 s of wait, 20 s allowed: took s",
    )


def test_nobody_installed_says_how_to_pull() -> None:
    choice = decide(Tier.MEDIUM, dict.fromkeys("smcr", GONE))
    assert (choice.model, choice.reason) == (None, RouteReason.UNAVAILABLE)
    assert "emini-rag models pull m" in choice.explanation[0]


def test_everybody_failing_is_not_called_missing() -> None:
    choice = decide(Tier.MEDIUM, {**dict.fromkeys("smc", FAILING), "r": GONE})
    assert choice.model is None
    assert "keeps failing" in choice.explanation[0]


def test_a_model_asked_for_by_name_is_honoured_cold_and_full() -> None:
    order = preferences("r", Tier.RESEARCH, MODELS, RouteReason.REQUESTED)
    choice = honour(order, {"s": WARM, "m": GONE, "c": WARM, "r": Standing(installed=True, wait_s=99.0, full=True)})
    assert choice == Choice("r", RouteReason.REQUESTED, (), ("c", "s"), None)


def test_a_model_asked_for_by_name_yields_only_to_its_open_breaker() -> None:
    order = preferences("r", Tier.RESEARCH, MODELS, RouteReason.REQUESTED)
    choice = honour(order, {"s": WARM, "m": WARM, "c": COLD, "r": FAILING})
    assert (choice.model, choice.reason) == ("c", RouteReason.STEPPED_DOWN)
    assert choice.explanation == ("r keeps failing: took c",)


@given(
    st.sampled_from(Tier),
    st.fixed_dictionaries({name: st.sampled_from([WARM, COLD, GONE, FAILING, FULL]) for name in "smcr"}),
)
def test_every_choice_is_sound(tier: Tier, standings: dict[str, Standing]) -> None:
    choice = decide(tier, standings)
    usable = {name for name, now in standings.items() if now.usable}
    assert (choice.model is None) == (not usable)
    tried = [choice.model, *choice.fallbacks] if choice.model else []
    assert sorted(tried, key=str) == sorted(usable)
    assert choice.warm is None or (choice.warm != choice.model and not standings[choice.warm].resident)
    assert (choice.reason is RouteReason.POLICY) == (choice.model == MODELS[tier])
    if choice.reason in (RouteReason.STEPPED_DOWN, RouteReason.STEPPED_UP):
        places = [MODELS[each] for each in Tier]
        lower = places.index(str(choice.model)) < places.index(MODELS[tier])
        assert lower == (choice.reason is RouteReason.STEPPED_DOWN)
        assert choice.explanation
