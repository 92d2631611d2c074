"""Calls by kind, model and how they ended."""

import pytest

from service.errors import Dependency, DependencyTimeout
from service.telemetry.instrumented.call_times import CallTimes
from service.telemetry.vocabulary import Operation, Provider
from tests.telemetry.recorder import LARGE, SMALL, Recorder

NAME = "gen_ai_client_operation_duration_seconds"
CHAT = {"gen_ai_operation_name": "chat", "gen_ai_provider_name": "ollama", "gen_ai_request_model": SMALL}


def stand() -> tuple[Recorder, CallTimes]:
    recorder = Recorder()
    return recorder, CallTimes(recorder.meters, Operation.CHAT, Provider.OLLAMA, (SMALL,))


def test_good_calls_of_the_expected_models_are_counted_from_zero_on() -> None:
    recorder, _ = stand()
    assert recorder.sample(f"{NAME}_count", **CHAT, error_type="") == 0
    assert recorder.sample(f"{NAME}_count", **(CHAT | {"gen_ai_request_model": LARGE}), error_type="") is None


def test_a_call_is_as_long_as_its_span() -> None:
    recorder, times = stand()
    with recorder.stages.start("a call") as span:
        recorder.clock.advance(2.0)
        times.record(span, SMALL)
    assert recorder.sample(f"{NAME}_sum", **CHAT, error_type="") == 2.0


def test_a_failed_call_has_the_name_that_its_span_has() -> None:
    recorder, times = stand()
    span = recorder.stages.start("a call")
    with pytest.raises(DependencyTimeout), span:
        raise DependencyTimeout(Dependency.OLLAMA, "late")
    times.record(span, SMALL)
    assert recorder.sample(f"{NAME}_count", **CHAT, error_type="timeout") == 1
