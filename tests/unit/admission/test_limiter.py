"""Places per model: exact numbers, order, and that no place is ever lost."""

import asyncio
import random
from contextlib import AsyncExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.admission.limiter import SlotLimiter
from service.admission.port import Admission, Limiter, Rejected, RejectReason
from service.errors import ErrorKind, Overloaded
from tests.fakes.clock import ManualClock

MODEL = "llama3.2:3b"


class Guests:
    """Requests that hold their place until told to go, and write down the order in which they came in."""

    def __init__(self, limiter: SlotLimiter) -> None:
        self._limiter = limiter
        self.inside: list[int] = []
        self.came_in: list[int] = []
        self.admissions: dict[int, Admission] = {}
        self.most_inside = 0
        self._go: dict[int, asyncio.Event] = {}
        self.tasks: dict[int, asyncio.Task[None]] = {}

    async def arrive(self, *numbers: int) -> None:
        for number in numbers:
            self._go[number] = asyncio.Event()
            self.tasks[number] = asyncio.create_task(self._visit(number))
        await settle()

    async def leave(self, number: int) -> None:
        self._go[number].set()
        await settle()

    async def _visit(self, number: int) -> None:
        async with self._limiter.admit(MODEL) as admission:
            self.admissions[number] = admission
            self.came_in.append(number)
            self.inside.append(number)
            self.most_inside = max(self.most_inside, len(self.inside))
            try:
                await self._go[number].wait()
            finally:
                self.inside.remove(number)

    def rejected(self) -> dict[int, Rejected]:
        done = {number: task for number, task in self.tasks.items() if task.done() and not task.cancelled()}
        errors = {number: task.exception() for number, task in done.items()}
        return {number: error for number, error in errors.items() if isinstance(error, Rejected)}

    async def drain(self) -> None:
        for event in self._go.values():
            event.set()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)


async def settle() -> None:
    for _ in range(6):
        await asyncio.sleep(0)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def used(limiter: SlotLimiter) -> tuple[int, int]:
    load = limiter.load(MODEL)
    return load.in_flight, load.waiting


async def test_of_two_hundred_exactly_seventeen_get_a_place_and_the_rest_is_told_at_once(clock: ManualClock) -> None:
    limiter = SlotLimiter(1, 16, 5.0, clock)
    guests = Guests(limiter)
    await guests.arrive(*range(200))
    assert used(limiter) == (1, 16)
    turned_away = guests.rejected()
    assert list(turned_away) == list(range(17, 200))
    assert {error.reason for error in turned_away.values()} == {RejectReason.QUEUE_FULL}
    for number in range(17):
        await guests.leave(number)
    await guests.drain()
    assert guests.came_in == list(range(17))
    assert guests.most_inside == 1
    assert used(limiter) == (0, 0)


async def test_a_rejection_says_what_why_and_when(clock: ManualClock) -> None:
    limiter: Limiter = SlotLimiter(1, 0, 5.0, clock)
    async with limiter.admit(MODEL):
        with pytest.raises(Overloaded, match="1 running and 0 waiting, which is the limit; try again in 1 s") as caught:
            await limiter.admit(MODEL).__aenter__()
    assert caught.value.kind is ErrorKind.OVERLOADED
    assert caught.value.retry_after_s == 1


async def test_arrivals_know_who_was_ahead_and_how_long_they_waited(clock: ManualClock) -> None:
    guests = Guests(SlotLimiter(1, 4, 5.0, clock))
    await guests.arrive(0, 1, 2)
    clock.advance(3)
    await guests.leave(0)
    clock.advance(4)
    await guests.leave(1)
    await guests.drain()
    assert guests.admissions == {0: Admission(0, 0), 1: Admission(3, 1), 2: Admission(7, 2)}


async def test_models_do_not_share_places(clock: ManualClock) -> None:
    limiter = SlotLimiter(1, 0, 5.0, clock)
    async with limiter.admit("a"), limiter.admit("b"):
        assert limiter.models() == ("a", "b")
        assert (limiter.load("a").in_flight, limiter.load("b").in_flight, limiter.load("c").in_flight) == (1, 1, 0)
    assert limiter.models() == ("a", "b")


async def test_waiting_ends_at_the_queue_deadline(clock: ManualClock) -> None:
    limiter = SlotLimiter(1, 4, 0.03, clock)
    async with limiter.admit(MODEL):
        with pytest.raises(Rejected, match=r"queue deadline of 0\.03 s") as caught:
            await limiter.admit(MODEL).__aenter__()
        assert caught.value.reason is RejectReason.QUEUE_TIMEOUT
        assert used(limiter) == (1, 0)
    assert used(limiter) == (0, 0)


async def test_a_waiter_who_leaves_frees_its_place_at_once(clock: ManualClock) -> None:
    limiter = SlotLimiter(1, 1, 5.0, clock)
    guests = Guests(limiter)
    await guests.arrive(0, 1)
    assert used(limiter) == (1, 1)
    guests.tasks[1].cancel()
    assert used(limiter) == (1, 0)
    await guests.arrive(2)
    await guests.leave(0)
    await guests.drain()
    assert guests.came_in == [0, 2]
    assert guests.rejected() == {}


@pytest.mark.parametrize("end", ["cancelled", "failed"])
async def test_a_runner_who_leaves_badly_hands_its_place_over_and_teaches_nothing(clock: ManualClock, end: str) -> None:
    limiter = SlotLimiter(1, 1, 5.0, clock)

    async def run() -> None:
        async with limiter.admit(MODEL):
            clock.advance(50)
            await asyncio.sleep(0)
            if end == "failed":
                raise OSError("the model server is away")
            await asyncio.Event().wait()

    runner = asyncio.create_task(run())
    guests = Guests(limiter)
    await asyncio.sleep(0)
    waiting = asyncio.create_task(guests.arrive(1))
    await settle()
    runner.cancel()
    await asyncio.gather(runner, waiting, return_exceptions=True)
    await settle()
    assert guests.inside == [1]
    assert limiter.load(MODEL).usual_service_s == 0
    await guests.drain()


async def test_a_place_handed_to_someone_cancelled_in_the_same_moment_goes_to_the_next(clock: ManualClock) -> None:
    limiter = SlotLimiter(1, 4, 5.0, clock)
    guests = Guests(limiter)
    await guests.arrive(1, 2, 3)
    lane = limiter._lanes[MODEL]
    handed = lane.queue[0]
    guests._go[1].set()
    while not handed.done():
        await asyncio.sleep(0)
    assert handed.result() is True
    assert guests.inside == []
    guests.tasks[2].cancel()
    await settle()
    assert guests.tasks[2].cancelled()
    assert guests.inside == [3]
    assert used(limiter) == (1, 0)
    await guests.drain()
    assert used(limiter) == (0, 0)


async def test_a_waiter_cancelled_just_before_the_hand_over_is_passed_over(clock: ManualClock) -> None:
    limiter = SlotLimiter(1, 4, 5.0, clock)
    guests = Guests(limiter)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(limiter.admit(MODEL))
        await guests.arrive(1, 2)
        guests.tasks[1].cancel()
    await settle()
    assert guests.inside == [2]
    assert used(limiter) == (1, 0)
    await guests.drain()
    assert used(limiter) == (0, 0)


async def test_the_usual_service_time_moves_by_a_fifth(clock: ManualClock) -> None:
    limiter = SlotLimiter(1, 4, 5.0, clock)
    for service_s, usual_s in ((10, 10), (20, 12), (12, 12), (2, 10)):
        async with limiter.admit(MODEL):
            clock.advance(service_s)
        assert limiter.load(MODEL).usual_service_s == pytest.approx(usual_s)


@pytest.mark.parametrize(("service_s", "retry_s"), [(0.01, 1), (1.5, 5), (4, 12), (100, 60)])
async def test_when_to_come_again_follows_service_time_and_queue(
    clock: ManualClock, service_s: float, retry_s: float
) -> None:
    limiter = SlotLimiter(1, 2, 5.0, clock)
    async with limiter.admit(MODEL):
        clock.advance(service_s)
    guests = Guests(limiter)
    await guests.arrive(1, 2, 3, 4)
    assert [error.retry_after_s for error in guests.rejected().values()] == [retry_s]
    await guests.drain()


def test_limits_that_make_no_sense_are_refused(clock: ManualClock) -> None:
    for slots, waiting in ((0, 1), (1, -1)):
        with pytest.raises(ValueError, match="at least one slot"):
            SlotLimiter(slots, waiting, 5.0, clock)


@given(seed=st.integers(0, 10**6), slots=st.integers(1, 4), waiting=st.integers(0, 5))
async def test_whoever_comes_and_goes_no_place_is_lost(seed: int, slots: int, waiting: int) -> None:
    choose = random.Random(seed)
    limiter = SlotLimiter(slots, waiting, 5.0, ManualClock())
    guests = Guests(limiter)
    for number in range(30):
        await guests.arrive(number)
        here = [guest for guest, task in guests.tasks.items() if not task.done()]
        for guest in choose.sample(here, k=min(len(here), choose.randint(0, 2))):
            if choose.random() < 0.5:
                guests.tasks[guest].cancel()
            else:
                guests._go[guest].set()
            for _ in range(choose.randint(0, 3)):
                await asyncio.sleep(0)
        running, queued = used(limiter)
        assert running <= slots
        assert queued <= waiting
        assert queued == 0 or running == slots
    await guests.drain()
    assert used(limiter) == (0, 0)
    assert guests.most_inside <= slots


async def test_claims_are_as_many_as_places_to_run_and_to_wait() -> None:
    limiter = SlotLimiter(1, 1, 5.0, ManualClock())
    with limiter.reserve("m"), limiter.reserve("m"):
        assert (limiter.load("m").in_flight, limiter.load("m").waiting) == (0, 2)
        with pytest.raises(Rejected) as refused, limiter.reserve("m"):
            pytest.fail("there was no place left")
        assert refused.value.reason is RejectReason.QUEUE_FULL
        assert refused.value.retry_after_s
        with limiter.reserve("another"):
            pass
        async with limiter.admit("m"):
            assert (limiter.load("m").in_flight, limiter.load("m").waiting) == (1, 1)
    assert limiter.load("m").waiting == 0
    with limiter.reserve("m"):
        pass


async def test_a_claim_ends_with_the_work_however_that_ends() -> None:
    limiter = SlotLimiter(1, 0, 5.0, ManualClock())
    for error in (ValueError, asyncio.CancelledError):
        with pytest.raises(error), limiter.reserve("m"):
            raise error
    with limiter.reserve("m"):
        pass
