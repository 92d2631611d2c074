"""Ollama's figures: parts that fit, cold starts, cut prompts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.generation.phases import Phases, phases_of, was_cold, was_truncated

SECOND = 10**9
NANOSECONDS = st.none() | st.integers(-SECOND, 600 * SECOND)


def test_nanoseconds_become_seconds_and_the_rest_is_the_queue() -> None:
    found = phases_of(total_s=10.0, total_ns=9 * SECOND, load_ns=SECOND, prompt_eval_ns=2 * SECOND, eval_ns=3 * SECOND)
    assert found == Phases(queue_s=3.0, load_s=1.0, prompt_eval_s=2.0, eval_s=3.0)


def test_what_is_left_out_is_zero() -> None:
    assert phases_of(total_s=1.0, total_ns=None, load_ns=None, prompt_eval_ns=None, eval_ns=None) == Phases(0, 0, 0, 0)


def test_parts_larger_than_the_total_leave_no_negative_queue() -> None:
    found = phases_of(total_s=10.0, total_ns=SECOND, load_ns=SECOND, prompt_eval_ns=SECOND, eval_ns=None)
    assert found == Phases(queue_s=0.0, load_s=1.0, prompt_eval_s=1.0, eval_s=0.0)


def test_the_clients_total_is_the_limit() -> None:
    found = phases_of(total_s=2.5, total_ns=9 * SECOND, load_ns=SECOND, prompt_eval_ns=SECOND, eval_ns=2 * SECOND)
    assert found == Phases(queue_s=0.0, load_s=1.0, prompt_eval_s=1.0, eval_s=0.5)


@given(st.floats(0, 600), NANOSECONDS, NANOSECONDS, NANOSECONDS, NANOSECONDS)
def test_parts_always_fit(
    total_s: float, total: int | None, load: int | None, prompt_eval: int | None, evaluation: int | None
) -> None:
    found = phases_of(total_s=total_s, total_ns=total, load_ns=load, prompt_eval_ns=prompt_eval, eval_ns=evaluation)
    parts = (found.queue_s, found.load_s, found.prompt_eval_s, found.eval_s)
    assert min(parts) >= 0
    assert sum(parts) <= total_s * (1 + 1e-12) + 1e-12


@pytest.mark.parametrize(
    ("load_s", "resident", "cold"),
    [
        (0.003, False, False),  # another program has loaded it since the poll
        (0.04, False, True),  # the tiniest model
        (8.0, False, True),
        (0.03, True, False),
        (0.3, True, False),  # a busy machine
        (8.0, True, True),  # evicted since the poll
        (0.0, False, False),
    ],
)
def test_cold_is_judged_by_what_was_known_and_by_the_time_it_took(load_s: float, resident: bool, cold: bool) -> None:
    assert was_cold(load_s, resident=resident) is cold


@pytest.mark.parametrize(
    ("tokens", "num_ctx", "loaded", "cut"),
    [
        (8191, 8192, 8192, False),
        (8192, 8192, 8192, True),
        (8192, 8192, 0, True),
        (2048, 8192, 2048, True),  # trained for less than was asked for
        (5000, 8192, 4096, False),  # the poll saw another program's options
        (0, 8192, 0, False),
    ],
)
def test_a_full_window_means_a_cut_prompt(tokens: int, num_ctx: int, loaded: int, cut: bool) -> None:
    assert was_truncated(tokens, num_ctx, loaded) is cut
