"""Waiting for something that nobody announces, bounded."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
    """Look every few milliseconds. Raises `TimeoutError` when it has not come true in time."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.005)
