"""One circuit by itself; what is counted and who is let in is tested with the breakers."""

import logging

import pytest

from service.generation.circuit import Circuit
from service.generation.port import BreakerState
from tests.fakes.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def circuit(clock: ManualClock) -> Circuit:
    return Circuit("Ollama", clock, threshold=2, pause_s=5.0)


def test_opens_at_the_threshold_and_not_before(circuit: Circuit) -> None:
    assert [circuit.state, circuit.refuses_for()] == [BreakerState.CLOSED, None]
    circuit.fail()
    assert [circuit.state, circuit.refuses_for()] == [BreakerState.CLOSED, None]
    circuit.fail()
    assert circuit.state is BreakerState.OPEN
    assert circuit.refuses_for() == 5.0


def test_closing_forgets_the_failures(circuit: Circuit) -> None:
    circuit.fail()
    circuit.close()
    circuit.fail()
    assert circuit.state is BreakerState.CLOSED


def test_relenting_remembers_all_but_one(circuit: Circuit) -> None:
    circuit.relent()
    circuit.fail()
    assert circuit.state is BreakerState.CLOSED, "relenting means nothing while it is closed"
    circuit.fail()
    circuit.relent()
    assert circuit.state is BreakerState.CLOSED
    circuit.fail()
    assert circuit.state is BreakerState.OPEN


def test_only_the_one_who_holds_the_place_gives_it_back(circuit: Circuit, clock: ManualClock) -> None:
    assert not circuit.enter("a call while all is well")
    circuit.fail()
    circuit.fail()
    clock.advance(5.0)
    assert circuit.enter("the probe")
    circuit.leave("a call while all is well")
    assert circuit.refuses_for() == 1.0
    circuit.leave("the probe")
    assert circuit.refuses_for() is None


def test_the_log_tells_once_that_it_opened_and_once_that_it_closed(
    circuit: Circuit, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for _ in range(4):
        circuit.fail()
        clock.advance(5.0)
    circuit.close()
    circuit.close()
    assert caplog.messages == [
        "Ollama failed 2 times in a row: left alone, and tried every 5 s",
        "Ollama answers again",
    ]
