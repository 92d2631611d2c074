"""Looking at the dependencies: bounded, seldom, and in words that say what to do."""

import asyncio
from pathlib import Path

import pytest

from service.errors import Dependency, DependencyUnavailable
from service.monitoring.summary import QueryMonitor
from service.probes import (
    DependencyProbes,
    Probe,
    cache_probe,
    chroma_probe,
    data_folder_probe,
    documents_probe,
    folder_problem,
    ollama_probe,
    slow_log_probe,
    sqlite_probe,
)
from service.retrieval.port import Match, Passage
from service.routing.port import ModelSnapshot
from service.services import DependencyStatus
from tests.fakes.clock import ManualClock
from tests.fakes.model_directory import FakeModelDirectory, snapshot_of
from tests.fakes.slow_log import FakeSlowLog
from tests.fakes.vector_index import FakeVectorIndex
from tests.unit.monitoring.records import warm

URL = "http://127.0.0.1:11434"


class Looker:
    """A dependency whose state the test sets; counts the looks."""

    def __init__(self) -> None:
        self.looks = 0
        self.problem = ""
        self.error: Exception | None = None
        self.answers = asyncio.Event()
        self.answers.set()

    async def look(self) -> str:
        self.looks += 1
        await self.answers.wait()
        if self.error is not None:
            raise self.error
        return self.problem

    def probe(self, name: str = "thing", *, required: bool = True) -> Probe:
        return Probe(name, required, self.look)


class FakeKeywordIndex:
    """Implements `KeywordIndex`, empty or broken."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.searches: list[str] = []

    async def search(self, text: str, limit: int) -> tuple[Match, ...]:
        self.searches.append(text)
        if self.error is not None:
            raise self.error
        return ()

    async def passages(self, matches: object) -> tuple[Passage, ...]:
        return ()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def entries(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def status(probe: Probe, timeout_s: float = 5.0) -> DependencyStatus:
    probes = DependencyProbes([probe], ManualClock(), timeout_s=timeout_s)
    (found,) = await probes.check()
    await probes.close()
    return found


async def test_each_probe_gives_one_status_in_order(clock: ManualClock) -> None:
    well, ill = Looker(), Looker()
    ill.problem = "do this"
    probes = DependencyProbes([well.probe("a"), ill.probe("b", required=False)], clock)
    assert await probes.check() == (
        DependencyStatus("a", ok=True, required=True),
        DependencyStatus("b", ok=False, required=False, detail="do this"),
    )


async def test_results_are_kept_for_a_while(clock: ManualClock) -> None:
    looker = Looker()
    probes = DependencyProbes([looker.probe()], clock, fresh_s=2.0)
    await probes.check()
    looker.problem = "gone"
    clock.advance(1.9)
    assert (await probes.check())[0].ok
    clock.advance(0.1)
    assert not (await probes.check())[0].ok
    assert looker.looks == 2


@pytest.mark.parametrize(("required", "looks"), [(True, 2), (False, 1)])
async def test_what_is_required_and_missing_is_looked_at_again_soon(
    clock: ManualClock, required: bool, looks: int
) -> None:
    looker = Looker()
    looker.problem = "still reading"
    probes = DependencyProbes([looker.probe(required=required)], clock, fresh_s=2.0, anxious_s=0.1)
    await probes.check()
    clock.advance(0.1)
    await probes.check()
    assert looker.looks == looks


async def test_many_who_ask_at_once_make_one_look(clock: ManualClock) -> None:
    looker = Looker()
    probes = DependencyProbes([looker.probe()], clock)
    results = await asyncio.gather(*(probes.check() for _ in range(50)))
    assert looker.looks == 1
    assert len({id(result) for result in results}) == 1


async def test_a_probe_that_hangs_is_told_and_not_started_again_until_it_ends(clock: ManualClock) -> None:
    slow, well = Looker(), Looker()
    slow.answers.clear()
    probes = DependencyProbes([slow.probe("slow"), well.probe("well")], clock, timeout_s=0.01)
    first = await probes.check()
    assert [one.ok for one in first] == [False, True]
    assert "no answer within 0.01 s" in first[0].detail
    clock.advance(10)
    await probes.check()
    assert (slow.looks, well.looks) == (1, 2)
    slow.answers.set()
    clock.advance(10)
    assert (await probes.check())[0].ok
    clock.advance(10)
    await probes.check()
    assert slow.looks == 2


async def test_closing_stops_what_hangs(clock: ManualClock) -> None:
    looker = Looker()
    looker.answers.clear()
    probes = DependencyProbes([looker.probe()], clock, timeout_s=0.01)
    await probes.check()
    await asyncio.wait_for(probes.close(), 5)
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("probe")]


async def test_an_error_becomes_a_detail() -> None:
    looker = Looker()
    looker.error = DependencyUnavailable(Dependency.CHROMA, "start it")
    assert (await status(looker.probe())).detail == "start it"
    looker.error = RuntimeError("secret")
    found = await status(looker.probe())
    assert (found.ok, found.detail) == (False, "failed with RuntimeError; see the log")


async def test_ollama_is_judged_by_the_last_poll() -> None:
    directory = FakeModelDirectory(snapshot_of({"m": True}, missing=("n",)))
    assert await status(ollama_probe(directory, URL)) == DependencyStatus("ollama", ok=True, required=False)
    directory.current = snapshot_of({}, missing=("m", "n"))
    assert "emini-rag models pull --all" in (await status(ollama_probe(directory, URL))).detail
    directory.current = ModelSnapshot(reachable=False, polled_at=1.0)
    assert URL in (await status(ollama_probe(directory, URL))).detail
    directory.current = ModelSnapshot()
    assert "not looked at yet" in (await status(ollama_probe(directory, URL))).detail
    assert directory.calls == []


async def test_chroma_is_pinged() -> None:
    index = FakeVectorIndex()
    assert await status(chroma_probe(index)) == DependencyStatus("chroma", ok=True, required=False)
    index.away = True
    found = await status(chroma_probe(index))
    assert (found.ok, bool(found.detail)) == (False, True)


async def test_sqlite_is_searched_and_required() -> None:
    index = FakeKeywordIndex()
    assert await status(sqlite_probe(index)) == DependencyStatus("sqlite", ok=True, required=True)
    assert len(index.searches) == 1
    found = await status(sqlite_probe(FakeKeywordIndex(DependencyUnavailable(Dependency.SQLITE, "restore it"))))
    assert (found.ok, found.detail) == (False, "restore it")


async def test_documents_that_are_still_being_read_are_told() -> None:
    told = ["reading: 1 of 2"]
    probe = documents_probe(lambda: told[0])
    assert await status(probe) == DependencyStatus("documents", ok=False, required=True, detail="reading: 1 of 2")
    told[0] = ""
    assert (await status(probe)).ok


async def test_the_cache_is_judged_by_the_latest_request_that_used_it(clock: ManualClock) -> None:
    monitor = QueryMonitor(clock)
    probe = cache_probe(monitor)
    assert (await status(probe)).ok
    monitor.record(warm(degraded=("cache_unavailable",)))
    monitor.record(warm(cache=None))  # failed before the lookup: says nothing about the cache
    assert not (await status(probe)).ok
    monitor.record(warm())
    assert (await status(probe)).ok


async def test_a_slow_log_that_forgets_is_told_and_not_needed() -> None:
    slow_log = FakeSlowLog()
    assert await status(slow_log_probe(slow_log)) == DependencyStatus("slow_log", ok=True, required=False)
    slow_log.problem = "the disk is full"
    assert (await status(slow_log_probe(slow_log))).detail == "the disk is full"


async def test_the_data_folder_is_written_to_and_left_clean(tmp_path: Path) -> None:
    assert await status(data_folder_probe(tmp_path, 1)) == DependencyStatus("data_folder", ok=True, required=False)
    assert entries(tmp_path) == []


def test_a_folder_that_is_absent_no_folder_or_full_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "RAG_DATA_DIR" in folder_problem(tmp_path / "absent")
    assert "RAG_DATA_DIR" in folder_problem(tmp_path / "file")
    assert "free some space" in folder_problem(tmp_path, 1 << 62)
    assert folder_problem(tmp_path, 1) == ""
