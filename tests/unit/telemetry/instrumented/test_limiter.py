"""Admission: the wait is the span, the held place is not."""

import asyncio

import pytest

from service.admission.limiter import SlotLimiter
from service.admission.port import Rejected
from service.telemetry.instrumented.limiter import InstrumentedLimiter
from tests.telemetry.recorder import SMALL, Recorder
from tests.telemetry.trees import seconds


def stand(waiting: int) -> tuple[Recorder, SlotLimiter, InstrumentedLimiter]:
    recorder = Recorder()
    inner = SlotLimiter(1, waiting, 5.0, recorder.clock)
    return recorder, inner, InstrumentedLimiter(inner, recorder.stages, recorder.meters)


async def test_the_span_covers_the_wait_only() -> None:
    recorder, inner, limiter = stand(waiting=1)
    async with limiter.admit(SMALL) as first:
        assert (first.ahead, limiter.load(SMALL)) == (0, inner.load(SMALL))
        second = asyncio.create_task(admitted(limiter))
        while limiter.load(SMALL).waiting == 0:
            await asyncio.sleep(0)
        recorder.clock.advance(2.0)
    await second
    one, other = recorder.spans()
    assert (seconds(one), seconds(other)) == (0.0, 2.0)
    assert (other.attributes["rag.admission.ahead"], other.attributes["rag.admission.waited_s"]) == (1, 2.0)
    assert inner.load(SMALL).in_flight == 0


async def admitted(limiter: InstrumentedLimiter) -> None:
    async with limiter.admit(SMALL):
        pass


async def test_who_is_turned_away_is_counted_by_reason() -> None:
    recorder, _, limiter = stand(waiting=0)
    async with limiter.admit(SMALL):
        with pytest.raises(Rejected):
            await admitted(limiter)
    _, refused = recorder.spans()
    assert (refused.attributes["error.type"], refused.attributes["rag.admission.reason"]) == (
        "overloaded",
        "queue_full",
    )
    assert recorder.sample("rag_admission_rejected_total", gen_ai_request_model=SMALL, reason="queue_full") == 1


async def test_a_failure_inside_reaches_the_limiter_which_learns_nothing_from_it() -> None:
    recorder, inner, limiter = stand(waiting=0)
    with pytest.raises(ValueError, match="inside"):
        async with limiter.admit(SMALL):
            recorder.clock.advance(3.0)
            raise ValueError("inside")
    assert (inner.load(SMALL).in_flight, inner.load(SMALL).usual_service_s) == (0, 0.0)


async def test_a_claim_that_is_refused_is_told_like_a_place_that_is() -> None:
    recorder, _, limiter = stand(waiting=0)
    with limiter.reserve(SMALL):
        assert recorder.spans() == ()
        with pytest.raises(Rejected), limiter.reserve(SMALL):
            pytest.fail("there was no place left")
    (refused,) = recorder.spans()
    assert (refused.name, refused.attributes["error.type"]) == ("admission", "overloaded")
    assert recorder.sample("rag_admission_rejected_total", gen_ai_request_model=SMALL, reason="queue_full") == 1
