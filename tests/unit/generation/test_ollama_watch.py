"""Stopwatch and deadlines of one answer."""

import asyncio

import pytest

from service.errors import DependencyTimeout
from service.generation.ollama_watch import Watch
from service.generation.port import Chunk, GenerationRequest
from service.ollama.errors import BudgetSpent
from service.routing.port import Tier
from tests.fakes.clock import ManualClock

REQUEST = GenerationRequest("llama3.2:3b", (), Tier.SIMPLE, 0.0, 10, deadline_s=0.5)


def test_thinking_is_the_first_chunk_but_not_the_first_answer() -> None:
    clock = ManualClock()
    watch = Watch(clock, REQUEST)
    for text, thinking in (("hm", True), ("hm", True), ("Yes", False), (".", False)):
        clock.advance(1.0)
        watch.heard(Chunk(text, thinking))
    assert (watch.first_chunk_s, watch.first_answer_s, watch.elapsed_s) == (1.0, 3.0, 4.0)


def test_nothing_heard_is_no_time() -> None:
    watch = Watch(ManualClock(), REQUEST)
    assert watch.first_chunk_s is None
    assert watch.first_answer_s is None


async def test_a_wait_ends_at_its_own_limit() -> None:
    watch = Watch(ManualClock(), REQUEST)
    with pytest.raises(DependencyTimeout, match=r"^no first token from llama3.2:3b within 0.01 s$") as caught:
        async with watch.bounded("first token", 0.01):
            await asyncio.Event().wait()
    assert not isinstance(caught.value, BudgetSpent)


async def test_or_at_the_end_of_the_whole_request() -> None:
    clock = ManualClock()
    watch = Watch(clock, REQUEST)
    clock.advance(0.49)
    with pytest.raises(BudgetSpent, match=r"^no complete answer from llama3.2:3b within 0.5 s$"):
        async with watch.bounded("first token", 60.0):
            await asyncio.Event().wait()
