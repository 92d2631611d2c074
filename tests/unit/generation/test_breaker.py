"""Breakers: what opens them, what closes them, and that a half open one lets a single call through."""

import pytest

from service.errors import (
    BadDependencyReply,
    Dependency,
    DependencyTimeout,
    DependencyUnavailable,
    ErrorKind,
    ServiceError,
    UnknownModel,
)
from service.generation.breaker import Breakers
from service.generation.port import BreakerState
from service.ollama.errors import BudgetSpent, OllamaUnreachable
from tests.fakes.clock import ManualClock

MODEL = "llama3.2:3b"
OTHER = "llama3.1:latest"
AWAY = OllamaUnreachable(Dependency.OLLAMA, "away")
BROKEN = BadDependencyReply(ErrorKind.SERVER_ERROR, Dependency.OLLAMA, "500")
PAUSE_S = 5.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def breakers(clock: ManualClock) -> Breakers:
    return Breakers(clock, models=(MODEL, OTHER), threshold=5, pause_s=PAUSE_S)


def fail(breakers: Breakers, error: ServiceError, times: int = 1, model: str = MODEL) -> None:
    for _ in range(times):
        with pytest.raises(type(error)), breakers.attempt(model):
            raise error


def succeed(breakers: Breakers, model: str = MODEL) -> None:
    with breakers.attempt(model) as attempt:
        attempt.answered()
        attempt.succeeded()


def refused(breakers: Breakers, model: str = MODEL) -> float | None:
    """Seconds to wait when a call is refused, None when it may go ahead."""
    try:
        with breakers.attempt(model):
            return None
    except DependencyUnavailable as error:
        assert error.retry_after_s is not None
        return error.retry_after_s


def test_every_breaker_shows_from_the_start(breakers: Breakers) -> None:
    assert breakers.states() == {
        "ollama": BreakerState.CLOSED,
        f"ollama/{MODEL}": BreakerState.CLOSED,
        f"ollama/{OTHER}": BreakerState.CLOSED,
    }
    assert breakers.state("never seen") is BreakerState.CLOSED


@pytest.mark.parametrize(
    "error",
    [
        BROKEN,
        DependencyTimeout(Dependency.OLLAMA, "no token"),
        DependencyUnavailable(Dependency.OLLAMA, "closed the connection"),
        BadDependencyReply(ErrorKind.STREAM_ERROR, Dependency.OLLAMA, "cut"),
        BadDependencyReply(ErrorKind.OVERLOADED, Dependency.OLLAMA, "503"),
        BadDependencyReply(ErrorKind.BAD_GATEWAY, Dependency.OLLAMA, "502"),
    ],
)
def test_five_failures_in_a_row_open_the_models_breaker_alone(breakers: Breakers, error: ServiceError) -> None:
    fail(breakers, error, 4)
    assert breakers.state(MODEL) is BreakerState.CLOSED
    fail(breakers, error)
    assert breakers.state(MODEL) is BreakerState.OPEN
    assert breakers.state(OTHER) is BreakerState.CLOSED
    assert refused(breakers) == PAUSE_S
    assert refused(breakers, OTHER) is None


@pytest.mark.parametrize(
    "error",
    [
        UnknownModel("not installed"),
        BadDependencyReply(ErrorKind.BAD_REQUEST, Dependency.OLLAMA, "400"),
        BadDependencyReply(ErrorKind.CANCELLED, Dependency.OLLAMA, "499"),
        BudgetSpent(Dependency.OLLAMA, "late"),
    ],
)
def test_what_says_nothing_about_health_is_not_counted(breakers: Breakers, error: ServiceError) -> None:
    fail(breakers, error, 20)
    assert breakers.state(MODEL) is BreakerState.CLOSED


def test_a_success_in_between_starts_the_count_again(breakers: Breakers) -> None:
    fail(breakers, BROKEN, 4)
    succeed(breakers)
    fail(breakers, BROKEN, 4)
    assert breakers.state(MODEL) is BreakerState.CLOSED


def test_a_first_token_alone_does_not_start_the_count_again(breakers: Breakers) -> None:
    for _ in range(5):
        with pytest.raises(BadDependencyReply), breakers.attempt(MODEL) as attempt:
            attempt.answered()
            raise BROKEN
    assert breakers.state(MODEL) is BreakerState.OPEN


def test_an_absent_server_bars_every_model_and_blames_none(breakers: Breakers) -> None:
    fail(breakers, AWAY, 5)
    assert breakers.states() == {
        "ollama": BreakerState.OPEN,
        f"ollama/{MODEL}": BreakerState.CLOSED,
        f"ollama/{OTHER}": BreakerState.CLOSED,
    }
    assert breakers.state(OTHER) is BreakerState.OPEN
    assert refused(breakers, OTHER) is not None


def test_a_poll_that_was_answered_closes_the_servers_breaker(breakers: Breakers) -> None:
    fail(breakers, AWAY, 5)
    breakers.server_answered()
    assert breakers.state(MODEL) is BreakerState.CLOSED
    assert refused(breakers) is None


def test_after_the_pause_one_single_call_finds_out(breakers: Breakers, clock: ManualClock) -> None:
    fail(breakers, BROKEN, 5)
    clock.advance(PAUSE_S - 0.1)
    assert refused(breakers) == pytest.approx(0.1)
    clock.advance(0.1)
    assert breakers.state(MODEL) is BreakerState.HALF_OPEN
    with breakers.attempt(MODEL) as probe:
        assert probe.probing
        assert refused(breakers) == 1.0
        assert breakers.state(MODEL) is BreakerState.HALF_OPEN
        probe.succeeded()
    assert breakers.state(MODEL) is BreakerState.CLOSED


def test_the_first_token_of_that_call_lets_others_in_but_not_for_long(breakers: Breakers, clock: ManualClock) -> None:
    fail(breakers, BROKEN, 5)
    clock.advance(PAUSE_S)
    with breakers.attempt(MODEL) as probe:
        probe.answered()
        with breakers.attempt(MODEL) as other:
            assert not other.probing
    fail(breakers, BROKEN)
    assert breakers.state(MODEL) is BreakerState.OPEN


def test_a_failed_probe_means_another_whole_pause(breakers: Breakers, clock: ManualClock) -> None:
    fail(breakers, BROKEN, 5)
    clock.advance(PAUSE_S)
    fail(breakers, BROKEN)
    assert refused(breakers) == PAUSE_S


def test_a_probe_that_was_given_up_leaves_the_place_to_the_next(breakers: Breakers, clock: ManualClock) -> None:
    fail(breakers, BROKEN, 5)
    clock.advance(PAUSE_S)
    with breakers.attempt(MODEL):
        pass
    assert breakers.state(MODEL) is BreakerState.HALF_OPEN
    with breakers.attempt(MODEL) as probe:
        assert probe.probing


def test_a_straggler_does_not_give_away_the_place_of_a_running_probe(breakers: Breakers, clock: ManualClock) -> None:
    fail(breakers, BROKEN, 5)
    clock.advance(PAUSE_S)
    with breakers.attempt(MODEL) as first:
        first.answered()
        fail(breakers, BROKEN)
        clock.advance(PAUSE_S)
        second = breakers.attempt(MODEL)
        assert second.__enter__().probing
    # The first one has left; the second still holds the place.
    assert refused(breakers) == 1.0
    second.__exit__(None, None, None)
    assert refused(breakers) is None


def test_a_bad_answer_of_a_model_is_still_an_answer_of_the_server(breakers: Breakers, clock: ManualClock) -> None:
    fail(breakers, AWAY, 5)
    clock.advance(PAUSE_S)
    fail(breakers, BROKEN)
    assert breakers.states()["ollama"] is BreakerState.CLOSED


def test_the_wall_clock_does_not_matter(breakers: Breakers, clock: ManualClock) -> None:
    fail(breakers, BROKEN, 5)
    clock.set_time(clock.time() + 3600)
    assert breakers.state(MODEL) is BreakerState.OPEN


def test_an_error_that_is_not_ours_frees_the_place_and_is_not_counted(breakers: Breakers, clock: ManualClock) -> None:
    fail(breakers, BROKEN, 5)
    clock.advance(PAUSE_S)
    with pytest.raises(ZeroDivisionError), breakers.attempt(MODEL):
        raise ZeroDivisionError
    assert refused(breakers) is None
