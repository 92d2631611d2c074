"""Work shared by all who ask for it while it runs."""

import asyncio
import contextvars
import gc
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing

import pytest

from service.cache.single_flight import Flight, SingleFlight
from service.errors import ErrorKind, ServiceError


class Work:
    """A stream of numbers that goes on only when told to, and writes down its starts and ends."""

    def __init__(self, count: int = 3, error: BaseException | None = None) -> None:
        self.starts = 0
        self.cleaned = 0
        self.made = 0
        self.go = asyncio.Event()
        self._count = count
        self._error = error

    async def __call__(self) -> AsyncIterator[int]:
        self.starts += 1
        try:
            for number in range(self._count):
                self.made += 1
                yield number
                if number == 0:
                    await self.go.wait()
            if self._error is not None:
                raise self._error
        finally:
            await asyncio.sleep(0)
            self.cleaned += 1


async def read(flight: Flight[int]) -> list[int]:
    async with flight:
        return [event async for event in flight]


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def no_complaints(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing may be left unretrieved: asyncio tells of that in its log when the garbage is collected."""
    yield
    gc.collect()
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


async def test_two_hundred_who_ask_for_the_same_cost_one_start() -> None:
    flights, work = SingleFlight[int](), Work()
    joined = [flights.join("key", work) for _ in range(200)]
    assert [flight.leader for flight in joined] == [True] + [False] * 199
    assert flights.in_flight() == 1
    readers = [asyncio.create_task(read(flight)) for flight in joined]
    work.go.set()
    assert await asyncio.gather(*readers) == [[0, 1, 2]] * 200
    assert (work.starts, work.cleaned, flights.in_flight()) == (1, 1, 0)


async def test_different_keys_share_nothing() -> None:
    flights, one, other = SingleFlight[int](), Work(), Work(count=1)
    one.go.set()
    other.go.set()
    read_a, read_b = await asyncio.gather(read(flights.join("a", one)), read(flights.join("b", other)))
    assert (read_a, read_b) == ([0, 1, 2], [0])


async def test_who_comes_late_hears_everything() -> None:
    flights, work = SingleFlight[int](), Work()
    first = asyncio.create_task(read(flights.join("key", work)))
    await settle()
    assert work.made == 1
    late = flights.join("key", work)
    assert not late.leader
    work.go.set()
    assert await read(late) == await first == [0, 1, 2]


async def test_a_finished_key_starts_anew_at_once() -> None:
    flights, work = SingleFlight[int](), Work()
    work.go.set()
    async with flights.join("key", work) as first:
        async for number in first:
            if number == 2:
                break
        await settle()
        assert (work.cleaned, flights.in_flight()) == (1, 0)
        again = flights.join("key", work)
        assert again.leader
        assert await read(again) == [0, 1, 2]
    assert work.starts == 2


async def test_the_leader_leaves_and_the_others_finish() -> None:
    flights, work = SingleFlight[int](), Work()
    leader = asyncio.create_task(read(flights.join("key", work)))
    other = asyncio.create_task(read(flights.join("key", work)))
    await settle()
    leader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leader
    assert (work.cleaned, flights.in_flight()) == (0, 1)
    work.go.set()
    assert await other == [0, 1, 2]


async def test_when_the_last_one_leaves_the_work_has_stopped_before_the_leaving_returns() -> None:
    flights, work = SingleFlight[int](), Work()
    readers = [asyncio.create_task(read(flights.join("key", work))) for _ in range(5)]
    await settle()
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    assert all(reader.cancelled() for reader in readers)
    assert (work.starts, work.cleaned, flights.in_flight()) == (1, 1, 0)


async def test_a_newcomer_after_the_last_one_left_starts_anew() -> None:
    flights, work = SingleFlight[int](), Work()
    flight = flights.join("key", work)
    await settle()
    leaving = asyncio.create_task(flight.aclose())
    await asyncio.sleep(0)
    fresh = Work()
    fresh.go.set()
    newcomer = flights.join("key", fresh)
    assert newcomer.leader
    assert await read(newcomer) == [0, 1, 2]
    await leaving
    assert (work.cleaned, fresh.cleaned) == (1, 1)


async def test_work_that_never_began_is_never_begun() -> None:
    flights, work = SingleFlight[int](), Work()
    async with flights.join("key", work):
        pass
    await settle()
    assert (work.starts, flights.in_flight()) == (0, 0)


async def test_leaving_twice_counts_once() -> None:
    flights, work = SingleFlight[int](), Work()
    one, other = flights.join("key", work), flights.join("key", work)
    await one.aclose()
    await one.aclose()
    assert flights.in_flight() == 1
    work.go.set()
    assert await read(other) == [0, 1, 2]


async def test_an_error_reaches_every_reader_after_the_events_before_it() -> None:
    error = ServiceError(ErrorKind.TIMEOUT, "too slow")
    flights, work = SingleFlight[int](), Work(error=error)
    work.go.set()
    seen: list[list[int]] = []

    async def follow(flight: Flight[int]) -> None:
        events: list[int] = []
        seen.append(events)
        async with flight, aclosing(flight.events()) as stream:
            async for event in stream:
                events.append(event)  # noqa: PERF401 - what came before the error counts

    ends = await asyncio.gather(*(follow(flights.join("key", work)) for _ in range(20)), return_exceptions=True)
    assert ends == [error] * 20
    assert seen == [[0, 1, 2]] * 20
    assert (work.starts, flights.in_flight()) == (1, 0)


async def test_readers_do_not_pile_up_the_traceback_of_a_shared_error() -> None:
    flights, work = SingleFlight[int](), Work(error=ValueError("no"))
    work.go.set()
    depths = []
    for flight in [flights.join("key", work) for _ in range(30)]:
        with pytest.raises(ValueError, match="no") as caught:
            await read(flight)
        depths.append(len(caught.traceback))
    assert max(depths) == min(depths)


async def test_an_error_nobody_waits_for_is_not_complained_of(caplog: pytest.LogCaptureFixture) -> None:
    class Stubborn(Work):
        async def __call__(self) -> AsyncIterator[int]:
            try:
                async for number in super().__call__():
                    yield number
            finally:
                raise RuntimeError("canary-7f3a while cleaning up")

    flights, work = SingleFlight[int](), Stubborn()
    async with flights.join("key", work):
        await settle()
    assert flights.in_flight() == 0
    assert [record.name for record in caplog.records] == ["service.cache.single_flight"]
    assert "canary" not in caplog.text


@pytest.mark.parametrize("cause", [asyncio.CancelledError(), GeneratorExit()])
async def test_work_that_is_stopped_from_inside_is_an_error_for_readers_not_their_cancellation(
    cause: BaseException,
) -> None:
    flights, work = SingleFlight[int](), Work(error=cause)
    work.go.set()
    flight = flights.join("key", work)
    with pytest.raises(ServiceError, match="stopped") as caught:
        await read(flight)
    assert caught.value.kind is ErrorKind.CANCELLED
    assert flights.in_flight() == 0


async def test_a_start_that_fails_is_an_error_like_any_other() -> None:
    def start() -> AsyncIterator[int]:
        raise OSError("no such thing")

    flights = SingleFlight[int]()
    with pytest.raises(OSError, match="no such thing"):
        await read(flights.join("key", start))
    assert flights.in_flight() == 0


async def test_a_slow_reader_holds_up_nobody() -> None:
    flights, work = SingleFlight[int](), Work(count=500)
    work.go.set()
    slow, quick = flights.join("key", work), flights.join("key", work)
    stream = slow.events()
    assert await anext(stream) == 0
    assert len(await read(quick)) == 500
    assert (work.made, flights.in_flight()) == (500, 0)
    assert [number async for number in stream] == list(range(1, 500))
    await slow.aclose()


async def test_the_work_runs_in_the_leaders_context() -> None:
    name = contextvars.ContextVar("name", default="nobody")

    async def work() -> AsyncIterator[int]:
        yield len(name.get())
        await asyncio.sleep(0)
        yield len(name.get())

    flights = SingleFlight[int]()

    async def ask(who: str, hold: Callable[[], Awaitable[None]]) -> list[int]:
        name.set(who)
        flight = flights.join("key", work)
        await hold()
        return await read(flight)

    async def at_once() -> None: ...

    first, second = await asyncio.gather(ask("leader", at_once), ask("someone else", at_once))
    assert first == second == [len("leader")] * 2


async def test_close_stops_all_and_says_why() -> None:
    flights, works = SingleFlight[int](), [Work(), Work()]
    readers = [asyncio.create_task(read(flights.join(str(index), work))) for index, work in enumerate(works)]
    await settle()
    untouched = Work()
    readers.append(asyncio.create_task(read(flights.join("not begun", untouched))))
    await flights.close()
    ends = await asyncio.gather(*readers, return_exceptions=True)
    assert [end.kind for end in ends if isinstance(end, ServiceError)] == [ErrorKind.SHUTTING_DOWN] * 3
    assert [work.cleaned for work in works] == [1, 1]
    assert flights.in_flight() == 0
    with pytest.raises(ServiceError, match="stopping"):
        flights.join("key", untouched)


async def test_work_that_will_not_stop_delays_the_leaver_for_a_bounded_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    release = asyncio.Event()

    async def stubborn() -> AsyncIterator[int]:
        try:
            yield 0
            await asyncio.Event().wait()
        finally:
            await release.wait()

    flights = SingleFlight[int](stop_s=0.02)
    flight = flights.join("key", stubborn)
    await settle()
    with caplog.at_level(logging.WARNING):
        await flight.aclose()
    assert "have not ended" in caplog.text
    assert flights.in_flight() == 0
    release.set()
    await settle()
