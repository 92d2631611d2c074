"""The watch over dependencies: it repeats, remembers, tells of changes, and ends when asked to."""

import asyncio
import logging

import pytest

from service.services import DependencyStatus
from service.telemetry.pollers.dependencies import DependencyWatch
from tests.fakes.clock import ManualClock

LIMIT_S = 10.0


class ScriptedProbes:
    """Implements `Probes`: the next of `answers`, the last one for ever. `looks` counts; an exception is raised."""

    def __init__(self, *answers: tuple[DependencyStatus, ...] | Exception) -> None:
        self.answers = list(answers)
        self.looks = 0
        self.seen = asyncio.Event()
        self.wanted = 1

    async def check(self) -> tuple[DependencyStatus, ...]:
        self.looks += 1
        if self.looks >= self.wanted:
            self.seen.set()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def status(ok: bool, name: str = "chroma") -> DependencyStatus:
    return DependencyStatus(name, ok, required=False, detail="" if ok else "start it")


async def test_it_hands_on_and_remembers() -> None:
    watch = DependencyWatch(ScriptedProbes((status(True), status(False, "cache"))))
    assert watch.up() == {}
    assert await watch.check() == (status(True), status(False, "cache"))
    assert watch.up() == {"chroma": True, "cache": False}


async def test_changes_are_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "service.telemetry")
    clock = ManualClock()
    watch = DependencyWatch(
        ScriptedProbes((status(True),), (status(False),), (status(False),), (status(True),), (status(True),)),
        clock=clock,
    )
    clock.advance(60)
    for _ in range(5):
        await watch.check()
    assert [record.message for record in caplog.records] == ["chroma is away: start it", "chroma is back"]


async def test_what_is_only_starting_is_not_called_away(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "service.telemetry")
    clock = ManualClock()
    watch = DependencyWatch(ScriptedProbes((status(False),)), clock=clock)
    await watch.check()
    assert (watch.up(), caplog.records) == ({"chroma": False}, [])
    clock.advance(5)
    await watch.check()
    await watch.check()
    assert [record.message for record in caplog.records] == ["chroma is away: start it"]


async def test_it_looks_again_and_again_whatever_a_look_ends_with() -> None:
    probes = ScriptedProbes(RuntimeError("broken"), (status(False),))
    probes.wanted = 4
    watch = DependencyWatch(probes, every_s=0.001)
    watch.start()
    watch.start()
    await asyncio.wait_for(probes.seen.wait(), LIMIT_S)
    assert watch.up() == {"chroma": False}

    await watch.close()
    looks = probes.looks
    await asyncio.sleep(0.02)
    assert probes.looks == looks
    await watch.close()
