"""Checkpoints: how long writers were kept out, also by one who never came back."""

import pytest

from service.corpus.port import Pause, Restore
from service.errors import NotFound
from service.telemetry.instrumented.write_gate import InstrumentedWriteGate
from tests.fakes.write_gate import FakeWriteGate
from tests.telemetry.recorder import Recorder

COUNT = "rag_checkpoint_pause_seconds_count"


async def test_a_pause_is_a_span_and_a_measurement_once_it_is_over() -> None:
    recorder, inner, ended = Recorder(), FakeWriteGate(), list[Pause]()
    gate = InstrumentedWriteGate(inner, recorder.stages, recorder.meters)
    held = await gate.hold(1.0, 60.0, ended.append)
    assert recorder.sample(COUNT, result="released") == 0
    pause = gate.release(held.token)
    assert ended == [pause]
    span = recorder.only()
    assert (span.name, dict(span.attributes)) == ("checkpoint", {"rag.checkpoint.result": "released"})
    assert recorder.sample(COUNT, result="released") == 1
    assert recorder.sample("rag_checkpoint_pause_seconds_sum", result="released") == pause.held_s


async def test_one_that_ran_out_is_told_apart() -> None:
    recorder, inner = Recorder(), FakeWriteGate()
    gate = InstrumentedWriteGate(inner, recorder.stages, recorder.meters)
    held = await gate.hold(1.0, 60.0)
    inner.expire()
    assert recorder.only().attributes["rag.checkpoint.result"] == "expired"
    with pytest.raises(NotFound):
        gate.release(held.token)
    assert (recorder.sample(COUNT, result="expired"), recorder.sample(COUNT, result="released")) == (1, 0)


@pytest.mark.parametrize(("went_back", "result"), [(False, "restored"), (True, "went_back")])
def test_a_restore_is_a_span_as_long_as_it_took(went_back: bool, result: str) -> None:
    recorder, inner = Recorder(), FakeWriteGate()
    told = Restore("before-tuning", 3.5, went_back)
    InstrumentedWriteGate(inner, recorder.stages, recorder.meters).note(told)
    assert inner.restores == [told]
    span = recorder.only()
    expected = {"rag.checkpoint.name": "before-tuning", "rag.checkpoint.result": result}
    assert (span.name, dict(span.attributes)) == ("restore", expected)
    assert (span.end_time - span.start_time) / 1e9 == pytest.approx(3.5, abs=0.5)
