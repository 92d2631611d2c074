"""Loading ahead in the background."""

import asyncio

from service.ask.warming import Warmer
from service.errors import Dependency, DependencyUnavailable
from tests.fakes.model_directory import FakeModelDirectory


class GatedDirectory(FakeModelDirectory):
    """Preloads wait for `gate`."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()

    async def preload(self, model: str) -> None:
        self.calls.append(f"begin {model}")
        await self.gate.wait()
        await super().preload(model)


async def until(condition: object, directory: FakeModelDirectory) -> None:
    async with asyncio.timeout(5):
        while condition not in directory.calls:
            await asyncio.sleep(0)


async def test_one_load_per_model_at_a_time() -> None:
    directory = GatedDirectory()
    warmer = Warmer(directory)
    for _ in range(3):
        warmer.warm("large")
    warmer.warm("other")
    await until("begin other", directory)
    assert sorted(directory.calls) == ["begin large", "begin other"]
    directory.gate.set()
    await until("preload other", directory)
    warmer.warm("large")
    await until("begin large", directory)
    await warmer.close()


async def test_a_failed_load_is_forgotten_and_tried_again() -> None:
    directory = FakeModelDirectory()
    directory.preload_errors.append(DependencyUnavailable(Dependency.OLLAMA, "away"))
    warmer = Warmer(directory)
    warmer.warm("large")
    await until("preload large", directory)
    async with asyncio.timeout(5):
        while directory.calls.count("preload large") < 2:
            warmer.warm("large")
            await asyncio.sleep(0)
    await warmer.close()
    assert directory.current.models["large"].resident


async def test_closing_ends_running_loads() -> None:
    directory = GatedDirectory()
    warmer = Warmer(directory)
    warmer.warm("large")
    await until("begin large", directory)
    async with asyncio.timeout(5):
        await warmer.close()
    assert "preload large" not in directory.calls
