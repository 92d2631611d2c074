"""`emini-rag cache`."""

import json
from collections.abc import Callable

import pytest

from service.cache.port import CacheControl, CacheEntry, CacheKey, CacheName
from tests.unit.cli.conftest import Shell

KEY = CacheKey("digest", "family")


@pytest.fixture
async def kept(shell: Shell) -> None:
    """One kept answer, found once and missed once."""
    cache = shell.fakes.caches[CacheName.ANSWER]
    await cache.store(KEY, CacheEntry(b"x" * 2048, 1_700_000_000.0, 60.0, cost_s=2.5), CacheControl())
    await cache.lookup((KEY,), CacheControl())
    await cache.lookup((CacheKey("other", "family"),), CacheControl())


@pytest.mark.usefixtures("kept")
def test_stats_show_each_cache(shell: Shell, service: Callable[[], str]) -> None:
    told = shell("cache", "stats")
    assert told.exit_code == 0, told.output
    head, *lines = told.stdout.splitlines()
    assert head.split() == ["answer", "prompt", "embedding"]
    rows = {line[:10].strip(): line[10:].split() for line in lines}
    assert rows["hits"] == ["1", "0", "0"]
    assert rows["hit rate"][0] == "50.0%"
    assert rows["saved"][:2] == ["2.50", "s"]


@pytest.mark.usefixtures("kept")
def test_stats_as_json_are_what_the_service_says(shell: Shell, service: Callable[[], str]) -> None:
    found = json.loads(shell("cache", "stats", "--json").stdout)
    assert (found["hits"], found["caches"]["answer"]["cache_size"]) == (1, 1)


@pytest.mark.usefixtures("kept")
def test_clear_asks_first(shell: Shell, service: Callable[[], str]) -> None:
    told = shell("cache", "clear", typed="n\n")
    assert told.exit_code == 1
    assert shell.fakes.caches[CacheName.ANSWER].stats().entries == 1
    told = shell("cache", "clear", typed="y\n")
    assert told.exit_code == 0
    assert "Dropped: answer 1, prompt 0, embedding 0." in told.stdout
    assert shell.fakes.caches[CacheName.ANSWER].stats().entries == 0


@pytest.mark.usefixtures("kept")
def test_clear_can_be_told_not_to_ask(shell: Shell, service: Callable[[], str]) -> None:
    assert shell("cache", "clear", "--yes").exit_code == 0
    assert shell.fakes.caches[CacheName.ANSWER].stats().entries == 0


@pytest.mark.parametrize("command", [["stats"], ["clear", "--yes"]])
def test_without_a_service_it_says_so(shell: Shell, command: list[str]) -> None:
    assert shell("cache", *command).exit_code == 3
