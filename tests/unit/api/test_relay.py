"""Reading ahead."""

import asyncio

import pytest

from service.api.relay import Relay, result_of
from service.ask.types import Done, Question, Token
from service.errors import ServiceError
from tests.fakes.asker import FakeAsker
from tests.fakes.services import RESULT, SCRIPT

QUESTION = Question("x")


async def test_events_come_in_order_and_none_means_not_yet() -> None:
    more = asyncio.Event()
    relay = Relay(FakeAsker([SCRIPT[0], more, *SCRIPT[1:]]).ask(QUESTION))
    assert await relay.next(5) == SCRIPT[0]
    assert await relay.next(0.01) is None
    more.set()
    assert [await relay.next(5) for _ in SCRIPT[1:]] == list(SCRIPT[1:])
    await relay.close()


async def test_closing_early_ends_the_work() -> None:
    asker = FakeAsker(SCRIPT[:1])
    asker.hang_at_end = True
    relay = Relay(asker.ask(QUESTION))
    await asker.hanging.wait()
    async with asyncio.timeout(10):
        await relay.close()
    assert asker.closed == 1


async def test_after_the_last_event_the_work_may_finish() -> None:
    said = asyncio.Event()
    asker = FakeAsker([Done(RESULT), said])
    relay = Relay(asker.ask(QUESTION))
    assert await relay.next(5) == Done(RESULT)
    asyncio.get_running_loop().call_later(0.01, said.set)
    await relay.close()
    assert said.is_set()
    assert asker.closed == 1


async def test_what_the_work_raises_is_raised_to_the_reader() -> None:
    relay = Relay(FakeAsker([Token("x"), KeyError("x")]).ask(QUESTION))
    assert await relay.next(5) == Token("x")
    with pytest.raises(KeyError):
        await relay.next(5)
    await relay.close()


async def test_an_end_without_a_result_is_an_error() -> None:
    relay = Relay(FakeAsker([]).ask(QUESTION))
    with pytest.raises(ServiceError):
        await relay.next(5)
    await relay.close()
    with pytest.raises(ServiceError):
        await result_of(FakeAsker([Token("x")]).ask(QUESTION))


async def test_the_result() -> None:
    assert await result_of(FakeAsker(SCRIPT).ask(QUESTION)) == RESULT
