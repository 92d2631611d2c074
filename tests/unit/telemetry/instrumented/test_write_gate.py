"""Checkpoints: how long writers were kept out, also by one who never came back."""

import pytest

from service.corpus.port import Pause
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
