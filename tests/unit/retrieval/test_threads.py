"""Blocking calls in threads of our own: bounded, measured, and not to be poisoned by a call that hangs."""

import asyncio
import gc
import threading
import weakref
from collections.abc import Iterator

import pytest

from service.retrieval.threads import Waits, WorkerThreads
from tests.fakes.clock import ManualClock


class Gate:
    """A call that hangs in its thread until it is opened."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()

    def __call__(self) -> str:
        self.entered.set()
        assert self.open.wait(30)
        return "through"


@pytest.fixture
def gates() -> Iterator[list[Gate]]:
    made = [Gate() for _ in range(4)]
    yield made
    for gate in made:
        gate.open.set()


async def entered(gate: Gate) -> None:
    for _ in range(10_000):
        if gate.entered.is_set():
            return
        await asyncio.sleep(0.001)
    pytest.fail("the call did not start")


async def until_none_is_abandoned(threads: WorkerThreads) -> None:
    for _ in range(10_000):
        if not threads.abandoned:
            return
        await asyncio.sleep(0.001)
    pytest.fail("a call is still abandoned")


async def test_a_call_runs_in_another_thread_and_gives_its_value() -> None:
    threads = WorkerThreads(1)
    name, waited_s = await threads.run(lambda: threading.current_thread().name)
    assert name != threading.current_thread().name
    assert 0 <= waited_s < 5
    threads.close()


async def test_what_the_call_raises_is_raised() -> None:
    threads = WorkerThreads(1)
    with pytest.raises(ZeroDivisionError):
        await threads.run(lambda: 1 / 0)
    assert await threads.run(lambda: 7) == (7, pytest.approx(0, abs=5))
    threads.close()


async def test_no_more_calls_run_at_once_than_there_are_places(gates: list[Gate]) -> None:
    threads = WorkerThreads(2)
    calls = [asyncio.create_task(threads.run(gate)) for gate in gates[:3]]
    await entered(gates[0])
    await entered(gates[1])
    for _ in range(20):
        await asyncio.sleep(0)
    assert not gates[2].entered.is_set()
    gates[0].open.set()
    await entered(gates[2])
    gates[1].open.set()
    gates[2].open.set()
    assert [value for value, _ in await asyncio.gather(*calls)] == ["through"] * 3
    threads.close()


async def test_the_wait_for_a_free_thread_is_measured(gates: list[Gate]) -> None:
    clock = ManualClock()
    threads = WorkerThreads(1, clock=clock)
    first = asyncio.create_task(threads.run(gates[0]))
    await entered(gates[0])
    second = asyncio.create_task(threads.run(lambda: "after"))
    await asyncio.sleep(0)
    clock.advance(3)
    gates[0].open.set()
    assert await first == ("through", 0)
    assert await second == ("after", 3)
    threads.close()


async def test_a_call_that_hangs_ends_in_a_timeout_and_gives_its_place_away(gates: list[Gate]) -> None:
    threads = WorkerThreads(1)
    with pytest.raises(TimeoutError):
        await threads.run(gates[0], timeout_s=0.01)
    assert threads.abandoned == 1
    assert (await threads.run(lambda: "still served", timeout_s=30))[0] == "still served"
    gates[0].open.set()
    await until_none_is_abandoned(threads)
    threads.close()


async def test_abandoned_calls_are_bounded_and_the_places_come_back(gates: list[Gate]) -> None:
    threads = WorkerThreads(1, spare=1)
    for gate in gates[:2]:
        with pytest.raises(TimeoutError):
            await threads.run(gate, timeout_s=0.01)
    with pytest.raises(TimeoutError):
        await threads.run(gates[2], timeout_s=0.01)
    assert threads.abandoned == 1
    assert not gates[2].entered.is_set()
    gates[1].open.set()
    assert (await threads.run(lambda: "served again", timeout_s=30))[0] == "served again"
    gates[0].open.set()
    await until_none_is_abandoned(threads)
    assert (await threads.run(lambda: "and again", timeout_s=30))[0] == "and again"
    threads.close()


async def test_a_deadline_that_passes_in_the_queue_starts_nothing(gates: list[Gate]) -> None:
    threads = WorkerThreads(1)
    first = asyncio.create_task(threads.run(gates[0]))
    await entered(gates[0])
    with pytest.raises(TimeoutError):
        await threads.run(gates[1], timeout_s=0.01)
    gates[0].open.set()
    await first
    assert (await threads.run(lambda: "next", timeout_s=30))[0] == "next"
    assert not gates[1].entered.is_set()
    threads.close()


async def test_a_cancelled_task_gives_its_place_away(gates: list[Gate]) -> None:
    threads = WorkerThreads(1)
    task = asyncio.create_task(threads.run(gates[0]))
    await entered(gates[0])
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await threads.run(lambda: "served", timeout_s=30))[0] == "served"
    threads.close()


async def test_the_error_of_an_abandoned_call_disturbs_nobody(
    gates: list[Gate], caplog: pytest.LogCaptureFixture
) -> None:
    threads = WorkerThreads(1)

    def fail() -> None:
        gates[0]()
        raise OSError("nobody hears this")

    with pytest.raises(TimeoutError):
        await threads.run(fail, timeout_s=0.01)
    gates[0].open.set()
    await until_none_is_abandoned(threads)
    gc.collect()
    assert caplog.records == []
    threads.close()


async def test_a_thread_keeps_nothing_of_the_last_call_alive() -> None:
    class Big:
        pass

    threads = WorkerThreads(1)
    value, _ = await threads.run(Big)
    seen = weakref.ref(value)
    del value
    async with asyncio.timeout(10):
        while seen() is not None:
            gc.collect()
            await asyncio.sleep(0.001)
    threads.close()


async def test_nothing_starts_after_closing_and_the_threads_end(gates: list[Gate]) -> None:
    before = set(threading.enumerate())
    threads = WorkerThreads(2)
    running = asyncio.create_task(threads.run(gates[0]))
    await entered(gates[0])
    threads.close()
    with pytest.raises(RuntimeError):
        await threads.run(lambda: None)
    gates[0].open.set()
    assert (await running)[0] == "through"
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
        assert not thread.is_alive()


def test_a_pool_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        WorkerThreads(0)


async def test_waits_see_the_longest_wait_of_calls_made_within(gates: list[Gate]) -> None:
    clock = ManualClock()
    threads = WorkerThreads(1, clock=clock)
    with Waits() as outside:
        first = asyncio.create_task(threads.run(gates[0]))
        await entered(gates[0])
    with Waits() as waits:
        second = asyncio.create_task(threads.run(lambda: "done"))
        await asyncio.sleep(0)
        clock.advance(0.25)
        gates[0].open.set()
        await asyncio.gather(first, second)
        assert waits.longest_s == pytest.approx(0.25)
        await threads.run(lambda: "at once")
    assert waits.longest_s == pytest.approx(0.25)
    assert outside.longest_s == 0.0
    threads.close()
