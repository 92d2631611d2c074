"""What an examination finds, and running many examinations side by side within a bounded time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """`problem` keeps the service from answering; `warning` makes answers poorer; `info` is neither good nor bad."""

    OK = "ok"
    INFO = "info"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it is, what was seen, and what to do about it."""

    check: str
    state: State
    seen: str
    todo: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One look. It may find several things; `name` is used when it cannot even finish."""

    name: str
    look: Callable[[], Awaitable[list[Finding]]]


def in_thread(name: str, look: Callable[[], Finding]) -> Check:
    """A check that blocks."""

    async def threaded() -> list[Finding]:
        return [await asyncio.to_thread(look)]

    return Check(name, threaded)


async def examine(checks: Iterable[Check], timeout_s: float = 2.0) -> list[Finding]:
    """All findings in the order of the checks. One that hangs or breaks is a warning, and never hides the others."""
    found = await asyncio.gather(*(_bounded(check, timeout_s) for check in checks))
    return [finding for findings in found for finding in findings]


async def _bounded(check: Check, timeout_s: float) -> list[Finding]:
    try:
        async with asyncio.timeout(timeout_s):
            return await check.look()
    except TimeoutError:
        return [Finding(check.name, State.WARNING, f"not known: it took more than {timeout_s:g} s to look")]
    except Exception as error:
        return [Finding(check.name, State.WARNING, f"not known: the look failed with {type(error).__name__}")]
