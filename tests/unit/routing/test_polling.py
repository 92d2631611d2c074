"""The background look at the models."""

import asyncio
import logging

import pytest

from service.routing.polling import ModelPolling
from service.routing.port import ModelSnapshot
from tests.fakes.model_directory import FakeModelDirectory, snapshot_of
from tests.fakes.waiting import until

AWAY = ModelSnapshot(last_error="Ollama cannot be reached")
THERE = snapshot_of({"llama3.2:3b": True}, missing=("gpt-oss:20b",))


async def test_looks_at_once_and_again_and_tells_each_observer() -> None:
    directory = FakeModelDirectory(THERE)
    seen: list[ModelSnapshot] = []
    polling = ModelPolling(directory, 0.005, [seen.append])
    polling.start()
    polling.start()
    await until(lambda: len(seen) >= 3)
    await polling.close()
    looks = len(directory.calls)
    assert seen == [THERE] * looks
    await asyncio.sleep(0.02)
    assert len(directory.calls) == looks


async def test_a_server_that_appears_is_found_before_a_whole_pause_is_over() -> None:
    directory = FakeModelDirectory(AWAY)
    directory.upcoming = [AWAY, THERE]
    seen: list[ModelSnapshot] = []
    polling = ModelPolling(directory, 3600.0, [seen.append])
    polling.start()
    await until(lambda: seen == [AWAY, THERE])
    await polling.close()


async def test_comings_and_goings_are_told_once(caplog: pytest.LogCaptureFixture) -> None:
    directory = FakeModelDirectory(AWAY)
    directory.upcoming = [AWAY, AWAY, THERE, THERE, AWAY]
    polling = ModelPolling(directory, 0.001)
    with caplog.at_level(logging.INFO):
        polling.start()
        await until(lambda: len(directory.calls) >= 6)
        await polling.close()
    assert [record.message for record in caplog.records] == [
        "no models: Ollama cannot be reached",
        "Ollama is there; not installed: gpt-oss:20b (`emini-rag models pull --all` fetches what is missing)",
        "no models: Ollama cannot be reached",
    ]


async def test_at_a_first_start_it_says_how_to_get_models_and_when_they_are_there(
    caplog: pytest.LogCaptureFixture,
) -> None:
    none, all_there = snapshot_of({}, missing=("a", "b")), snapshot_of({"a": False, "b": False})
    directory = FakeModelDirectory(none)
    directory.upcoming = [none, none, THERE, all_there, all_there]
    polling = ModelPolling(directory, 0.001)
    with caplog.at_level(logging.INFO):
        polling.start()
        await until(lambda: len(directory.calls) >= 6)
        await polling.close()
    assert [(record.levelname, record.message[:47]) for record in caplog.records] == [
        ("WARNING", "Ollama is there, but no configured model is: an"),
        ("INFO", "Ollama is there; not installed: gpt-oss:20b (`e"),
        ("INFO", "Ollama is there; every model is installed"),
    ]
    assert "`emini-rag models pull --all`" in caplog.messages[0]


async def test_an_observer_that_fails_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[ModelSnapshot] = []

    def broken(_: ModelSnapshot) -> None:
        raise ZeroDivisionError

    polling = ModelPolling(FakeModelDirectory(THERE), 0.001, [broken, seen.append])
    polling.start()
    await until(lambda: len(seen) >= 2)
    await polling.close()
    assert "observer" in caplog.text


async def test_closing_what_never_started_is_nothing() -> None:
    await ModelPolling(FakeModelDirectory(THERE), 1.0).close()
