"""Writers are kept out, readers are not, and nobody for longer than was said."""

import asyncio
from pathlib import Path

import pytest

from service.corpus import write_gate
from service.corpus.port import Pause, Restore
from service.errors import DependencyUnavailable, ErrorKind, NotFound
from tests.unit.corpus.opened import Opened, prose


@pytest.fixture
async def opened(tmp_path: Path) -> Opened:
    return await Opened(tmp_path / "data").open()


async def test_writers_wait_readers_go_on_and_nothing_is_lost(opened: Opened) -> None:
    gate = opened.corpus.gate
    added = await opened.corpus.add("a.md", prose("momentum"))
    assert added.document is not None
    held = await gate.hold(1.0, 60.0)
    writers = [
        asyncio.create_task(opened.corpus.add("b.md", prose("reversal"))),
        asyncio.create_task(opened.corpus.delete(added.document.id)),
    ]
    await asyncio.sleep(0.05)
    assert not any(one.done() for one in writers)
    assert await opened.sources("momentum") != []
    assert "momentum" in await opened.corpus.document_text(added.document.id)
    version = opened.corpus.state().version
    pause = gate.release(held.token)
    assert not pause.expired
    await asyncio.gather(*writers)
    assert [one.source for one in opened.corpus.documents()] == ["b.md"]
    assert opened.corpus.state().version > version
    await opened.close()


async def test_a_hold_waits_for_the_writer_who_is_there(opened: Opened) -> None:
    adding = asyncio.create_task(opened.corpus.add("a.md", prose("momentum")))
    while not opened.embedder.calls:
        await asyncio.sleep(0.001)
    held = await opened.corpus.gate.hold(10.0, 60.0)
    assert adding.done()
    assert held.drained_s >= 0
    status = opened.path.stat()
    assert held.store == f"{status.st_dev}:{status.st_ino}"
    opened.corpus.gate.release(held.token)
    await opened.close()


async def test_a_dead_holder_blocks_nobody_and_learns_it(opened: Opened) -> None:
    ended: list[Pause] = []
    held = await opened.corpus.gate.hold(1.0, 0.05, ended.append)
    ingested = await opened.corpus.add("a.md", prose("momentum"))
    assert ingested.document is not None
    assert [one.expired for one in ended] == [True]
    with pytest.raises(NotFound, match="over"):
        opened.corpus.gate.release(held.token)
    await opened.close()


async def test_one_holds_at_a_time(opened: Opened) -> None:
    gate = opened.corpus.gate
    first = await gate.hold(1.0, 60.0)
    with pytest.raises(DependencyUnavailable, match="not done within"):
        await gate.hold(0.02, 60.0)
    with pytest.raises(NotFound):
        gate.release("another")
    gate.release(first.token)
    gate.release((await gate.hold(1.0, 60.0)).token)
    with pytest.raises(NotFound):
        gate.release(first.token)
    await opened.close()


async def test_a_writer_that_waited_long_is_told_when_to_come_again(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_gate, "PATIENCE_S", 0.02)
    held = await opened.corpus.gate.hold(1.0, 60.0)
    with pytest.raises(DependencyUnavailable, match="checkpoint") as caught:
        await opened.corpus.add("a.md", prose("momentum"))
    assert caught.value.kind is ErrorKind.CONNECTION_ERROR
    assert caught.value.retry_after_s == pytest.approx(60.0, abs=1.0)
    opened.corpus.gate.release(held.token)
    await opened.close()


async def test_a_folder_is_read_on_after_the_hold(opened: Opened, tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.md").write_bytes(prose(f"word{number}"))
    held = await opened.corpus.gate.hold(1.0, 60.0)
    reading = asyncio.create_task(opened.corpus.add_folder(str(folder)))
    await asyncio.sleep(0.05)
    assert not reading.done()
    opened.corpus.gate.release(held.token)
    assert len((await reading).results) == 3
    await opened.close()


async def test_the_end_of_the_service_waits_for_no_holder(opened: Opened) -> None:
    ended: list[Pause] = []
    await opened.corpus.gate.hold(1.0, 600.0, ended.append)
    async with asyncio.timeout(2.0):
        await opened.close()
    assert [one.expired for one in ended] == [True]


@pytest.mark.parametrize(
    ("went_back", "said"),
    [
        (False, "checkpoint first was restored, after 3.5 s"),
        (True, "checkpoint first was given up for the documents of before, after 3.5 s"),
    ],
)
async def test_a_restore_is_a_line_in_the_log(
    opened: Opened, caplog: pytest.LogCaptureFixture, went_back: bool, said: str
) -> None:
    with caplog.at_level("INFO"):
        opened.corpus.gate.note(Restore("first", 3.5, went_back))
    assert said in caplog.messages
    await opened.close()
