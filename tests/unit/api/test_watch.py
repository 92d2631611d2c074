"""Ends the work when nobody waits for it."""

import asyncio
from typing import Any

import pytest

from service.api.watch import Watch
from service.drain import Drain
from service.errors import ErrorKind, ServiceError


class Client:
    """Leaves when `gone` is set; `receives` counts how often it was listened to."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        self.receives = 0

    async def receive(self) -> Any:
        self.receives += 1
        await self.gone.wait()
        return {"type": "http.disconnect"}


async def forever() -> None:
    async with asyncio.timeout(10):
        await asyncio.Event().wait()


async def test_work_that_never_waits_costs_no_watcher() -> None:
    client = Client()
    async with Watch(client.receive, Drain()):
        pass
    await asyncio.sleep(0)
    assert client.receives == 0


async def test_work_that_finishes_first_is_left_alone() -> None:
    client, draining = Client(), Drain()
    async with Watch(client.receive, draining):
        await asyncio.sleep(0.01)
    client.gone.set()
    draining.end()
    await asyncio.sleep(0.01)
    assert client.receives == 1
    assert not asyncio.current_task().cancelling()  # type: ignore[union-attr]


async def test_a_client_that_leaves_cancels_the_work() -> None:
    client = Client()
    cancelled = False
    asyncio.get_running_loop().call_later(0.01, client.gone.set)
    with pytest.raises(ServiceError) as caught:
        async with Watch(client.receive, Drain()):
            try:
                await forever()
            except asyncio.CancelledError:
                cancelled = True
                raise
    assert (caught.value.kind, cancelled) == (ErrorKind.CANCELLED, True)
    await asyncio.sleep(0)  # the task goes on undisturbed
    assert not asyncio.current_task().cancelling()  # type: ignore[union-attr]


@pytest.mark.parametrize("late", [False, True])
async def test_the_end_of_the_drain_does_too(late: bool) -> None:
    draining = Drain()
    if late:
        draining.end()
    else:
        asyncio.get_running_loop().call_later(0.01, draining.end)
    with pytest.raises(ServiceError) as caught:
        async with Watch(Client().receive, draining):
            await forever()
    assert caught.value.kind is ErrorKind.SHUTTING_DOWN
    assert caught.value.retry_after_s


async def test_a_cancellation_from_outside_stays_one() -> None:
    async def work() -> None:
        async with Watch(Client().receive, Drain()):
            await forever()

    task = asyncio.create_task(work())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_of_the_work_stays_its_own() -> None:
    with pytest.raises(KeyError):
        async with Watch(Client().receive, Drain()):
            await asyncio.sleep(0.01)
            raise KeyError
