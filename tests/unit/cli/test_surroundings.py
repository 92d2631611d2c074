"""What a command works with."""

import asyncio
import logging

import pytest

from service.cli.surroundings import Surroundings, of
from service.services import Services
from service.settings import Settings
from tests.fakes.services import FakeServices


def test_settings_are_read_once_and_only_when_needed() -> None:
    reads: list[int] = []

    def load() -> Settings:
        reads.append(1)
        return Settings()

    here = Surroundings(load_settings=load)
    assert reads == []
    assert here.settings is here.settings
    assert reads == [1]


@pytest.mark.parametrize("fails", [False, True])
def test_services_are_closed_whatever_happens(fails: bool) -> None:
    fakes = FakeServices()

    async def opened(settings: Settings) -> Services:
        return fakes.build()

    here = Surroundings(open_services=opened)

    async def work() -> int:
        async with here.services() as services:
            assert services.about.service == "emini-rag"
            if fails:
                raise RuntimeError("a fault")
            await asyncio.sleep(0)
        return 3

    if fails:
        with pytest.raises(RuntimeError, match="a fault"):
            here.run(work())
    else:
        assert here.run(work()) == 3
    assert fakes.closed == 1


async def test_what_the_service_logs_is_for_debugging_only() -> None:
    fakes = FakeServices()
    handlers: list[int] = []

    async def opened(settings: Settings) -> Services:
        handlers.append(len(logging.getLogger().handlers))
        return fakes.build()

    before = len(logging.getLogger().handlers)
    for debug in (False, True):
        async with Surroundings(open_services=opened, debug=debug).services():
            pass
    assert handlers == [before + 1, before]
    assert len(logging.getLogger().handlers) == before


def test_results_and_notes_go_different_ways(capsys: pytest.CaptureFixture[str]) -> None:
    here = Surroundings()
    here.out.print("[bold] :smile: " + "x" * 200)
    here.note("a note " + "y" * 200)
    told = capsys.readouterr()
    assert told.out == "[bold] :smile: " + "x" * 200 + "\n"
    assert told.err == "a note " + "y" * 200 + "\n"


def test_a_command_without_surroundings_is_a_fault() -> None:
    class Bare:
        def find_object(self, kind: type) -> None:
            return None

    with pytest.raises(RuntimeError, match="without its surroundings"):
        of(Bare())  # type: ignore[arg-type]
