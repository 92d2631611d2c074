"""Chroma as an index: what the contract suite does not reach, which is everything that goes wrong."""

import asyncio
import math
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ops.stack.process import free_port
from service.embedding.port import EmbedderId
from service.errors import (
    BadDependencyReply,
    Dependency,
    DependencyError,
    DependencyTimeout,
    DependencyUnavailable,
)
from service.retrieval.chroma import ChromaIndex
from service.retrieval.chroma_store import EmbeddedChroma, RemoteChroma
from service.retrieval.port import VectorRow
from tests.components.chroma import RunningChroma
from tests.fakes.http_wire import HttpWire

EMBEDDER = EmbedderId("nomic-embed-text", "sha256:aaaa", 2)
EAST = VectorRow("east", "compass", (1.0, 0.0))
NORTH = VectorRow("north", "compass", (0.0, 1.0))


def embedded(folder: Path) -> ChromaIndex:
    return ChromaIndex(EmbeddedChroma(folder), timeout_s=30.0)


async def fill(index: ChromaIndex, rows: int = 2) -> None:
    await index.select(EMBEDDER)
    await index.upsert([EAST, NORTH])
    await index.upsert([VectorRow(f"c{n}", f"d{n}", (math.cos(n / 999), math.sin(n / 999))) for n in range(rows - 2)])


def test_importing_and_making_an_index_does_not_load_chroma(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from service.retrieval.chroma import ChromaIndex;"
        "from service.retrieval.chroma_store import EmbeddedChroma;"
        "ChromaIndex(EmbeddedChroma(Path(sys.argv[1])));"
        "sys.exit('chromadb' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, timeout=60).returncode == 0


async def test_vectors_are_given_as_they_were_kept(tmp_path: Path) -> None:
    index = embedded(tmp_path)
    await fill(index)
    assert await index.vectors(["north", "gone", "east"]) == {"north": (0.0, 1.0), "east": (1.0, 0.0)}
    assert await index.vectors([]) == {}
    await index.close()


def test_no_variable_of_the_environment_switches_chromas_telemetry_on(tmp_path: Path) -> None:
    """Chroma's own tracing would replace the tracer provider of this process."""
    (tmp_path / ".env").write_text("CHROMA_OTEL_GRANULARITY=all\nCHROMA_OTEL_COLLECTION_ENDPOINT=http://127.0.0.1:9\n")
    code = (
        "import asyncio, sys; from pathlib import Path; from opentelemetry import trace;"
        "from service.embedding.port import EmbedderId;"
        "from service.retrieval.chroma import ChromaIndex; from service.retrieval.chroma_store import EmbeddedChroma;"
        "before = trace.get_tracer_provider();"
        "index = ChromaIndex(EmbeddedChroma(Path('chroma')));"
        "asyncio.run(index.select(EmbedderId('m', 'd', 2)));"
        "sys.exit(trace.get_tracer_provider() is not before)"
    )
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(Path(__file__).resolve().parents[3]),
        "CHROMA_OTEL_GRANULARITY": "all",
        "CHROMA_OTEL_COLLECTION_ENDPOINT": "http://127.0.0.1:9",
        "CHROMA_OTEL_SERVICE_NAME": "other",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, check=False, timeout=60, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()


async def test_what_was_stored_is_there_after_a_restart(tmp_path: Path) -> None:
    first = embedded(tmp_path)
    await fill(first)
    await first.close()
    second = embedded(tmp_path)
    await second.select(EMBEDDER)
    assert await second.chunk_ids() == {"east", "north"}
    await second.close()


async def test_two_corpora_in_one_store_never_meet(tmp_path: Path) -> None:
    store = EmbeddedChroma(tmp_path)
    mine, yours = ChromaIndex(store, corpus="mine"), ChromaIndex(store, corpus="yours")
    await fill(mine)
    await yours.select(EMBEDDER)
    assert await yours.count() == 0
    await yours.drop_others()
    assert await mine.count() == 2
    await mine.close()


async def test_a_vector_of_another_length_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    index = embedded(tmp_path)
    await fill(index)
    with pytest.raises(BadDependencyReply, match="length") as failed:
        await index.query((1.0, 0.0, 0.0), 5)
    assert failed.value.dependency is Dependency.CHROMA
    assert failed.value.__cause__ is not None
    with pytest.raises(BadDependencyReply):
        await index.upsert([VectorRow("long", "other", (1.0, 0.0, 0.0))])
    assert await index.count() == 2
    await index.close()


async def test_a_broken_vector_is_an_error_and_no_ranking(tmp_path: Path) -> None:
    index = embedded(tmp_path)
    await fill(index)
    with pytest.raises(BadDependencyReply, match="no numbers"):
        await index.query((math.nan, 1.0), 2)
    await index.close()


async def test_after_close_every_call_says_so_and_closing_again_is_nothing(tmp_path: Path) -> None:
    index = embedded(tmp_path)
    await fill(index)
    await index.close()
    await index.close()
    with pytest.raises(DependencyUnavailable, match="closed"):
        await index.query((1.0, 0.0), 1)
    with pytest.raises(DependencyUnavailable, match="closed"):
        await index.ping()


async def test_a_folder_in_use_is_told_at_once_and_taken_when_it_is_free(tmp_path: Path) -> None:
    first, second = embedded(tmp_path), embedded(tmp_path)
    await fill(first)
    with pytest.raises(DependencyUnavailable, match="another process"):
        await second.select(EMBEDDER)
    await first.close()
    await second.select(EMBEDDER)
    assert await second.count() == 2
    await second.close()


def overwrite(path: Path, start: int, text: bytes) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:start] + text + content[start + len(text) :])


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: next(folder.glob("chroma.sqlite3")).write_bytes(b"x" * 4096),
        lambda folder: overwrite(folder / "chroma.sqlite3", 4096, b"\xff" * 100_000),
        lambda folder: next(folder.glob("*/data_level0.bin")).write_bytes(b"x" * 100),
        lambda folder: next(folder.glob("*/header.bin")).write_bytes(b"x" * 10),
        lambda folder: next(folder.glob("*/data_level0.bin")).unlink(),
        lambda folder: next(folder.glob("*/index_metadata.pickle")).write_bytes(b"x" * 50),
    ],
    ids=["no database", "damaged database", "cut index", "cut header", "missing index", "damaged metadata"],
)
async def test_a_damaged_folder_is_told_and_the_process_lives(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    index = embedded(tmp_path)
    await fill(index, 1500)
    await index.close()
    damage(tmp_path)
    index = embedded(tmp_path)
    with pytest.raises(BadDependencyReply, match="move that folder away") as failed:
        await index.select(EMBEDDER)
        await index.query((1.0, 0.0), 3)
    assert failed.value.dependency is Dependency.CHROMA
    with pytest.raises(DependencyUnavailable, match="move that folder away"):
        await index.ping()
    await index.close()


async def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    index = embedded(tmp_path / "file")
    with pytest.raises(DependencyUnavailable, match="cannot be opened"):
        await index.select(EMBEDDER)
    await index.close()


async def test_a_server_that_is_not_there_is_told_at_once_and_found_once_it_is(tmp_path: Path) -> None:
    index = ChromaIndex(RemoteChroma(f"http://127.0.0.1:{free_port()}"), timeout_s=30.0)
    with pytest.raises(DependencyUnavailable, match=r"cannot be reached; check that Chroma runs at 127\.0\.0\.1"):
        await index.select(EMBEDDER)
    with pytest.raises(DependencyUnavailable):
        await index.ping()
    await index.close()


async def test_a_silent_server_costs_the_deadline_and_no_thread_for_good() -> None:
    async with HttpWire(lambda method, path: None) as wire:
        index = ChromaIndex(RemoteChroma(wire.url), timeout_s=0.1, write_timeout_s=0.1, threads=1)
        for _ in range(4):
            with pytest.raises(DependencyTimeout, match=r"within 0\.1 s"):
                await index.select(EMBEDDER)
        with pytest.raises(DependencyUnavailable):
            await index.ping()
        wire.answer = lambda method, path: (200, b'{"nanosecond heartbeat": 1}')
        for _ in range(200):
            try:
                await index.ping()
                break
            except DependencyError:
                await asyncio.sleep(0.01)
        else:
            pytest.fail("the threads were never given back")
        await index.close()


@pytest.mark.parametrize("body", [b"", b"not JSON", b"[]", b"{}", b'{"error": "InternalError", "message": "secret"}'])
@pytest.mark.parametrize("status", [200, 500, 503])
async def test_a_server_that_talks_nonsense(status: int, body: bytes) -> None:
    async with HttpWire(lambda method, path: (status, body)) as wire:
        index = ChromaIndex(RemoteChroma(wire.url), timeout_s=30.0)
        with pytest.raises(DependencyError) as failed:
            await index.select(EMBEDDER)
        assert "secret" not in failed.value.detail
        assert failed.value.__cause__ is not None
        await index.close()


async def test_headers_of_the_call_go_with_it_and_the_proxy_of_the_environment_is_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    given = iter(({"traceparent": "00-first"}, {"traceparent": "00-second"}))
    async with HttpWire(lambda method, path: (200, b'{"nanosecond heartbeat": 1}')) as wire:
        index = ChromaIndex(RemoteChroma(wire.url), timeout_s=30.0, headers=lambda: next(given))
        await index.ping()
        await index.ping()
        await index.close()
    assert [headers["traceparent"] for _, _, headers in wire.requests] == ["00-first", "00-second"]


@pytest.mark.real
async def test_a_server_that_was_killed_is_found_again_with_all_that_was_acknowledged(tmp_path: Path) -> None:
    with RunningChroma(tmp_path) as chroma:
        index = ChromaIndex(RemoteChroma(chroma.url), timeout_s=30.0)
        await fill(index, 50)
        await asyncio.to_thread(chroma.kill)
        with pytest.raises(DependencyUnavailable):
            await index.query(EAST.vector, 1)
        await asyncio.to_thread(chroma.start)
        assert (await index.query(EAST.vector, 1))[0].distance == pytest.approx(0.0, abs=1e-6)
        assert await index.count() == 50
        await index.close()


@pytest.mark.real
async def test_a_server_that_lost_its_data_is_told_to_readers_and_filled_again_by_writers(tmp_path: Path) -> None:
    with RunningChroma(tmp_path) as chroma:
        index = ChromaIndex(RemoteChroma(chroma.url), timeout_s=30.0)
        await fill(index)
        await asyncio.to_thread(chroma.stop)
        chroma.data.rename(tmp_path / "lost")
        await asyncio.to_thread(chroma.start)
        with pytest.raises(DependencyUnavailable, match="lost this corpus's vectors"):
            await index.query(EAST.vector, 1)
        with pytest.raises(DependencyUnavailable):
            await index.ping()
        assert await index.count() == 0
        await index.upsert([EAST])
        assert [match.chunk_id for match in await index.query(EAST.vector, 5)] == ["east"]
        await index.ping()
        await index.close()


async def test_calls_run_side_by_side_and_never_on_the_event_loop(tmp_path: Path) -> None:
    index = embedded(tmp_path)
    await fill(index, 300)
    seen: set[str] = set()
    loop_thread = threading.current_thread().name

    class Watched(EmbeddedChroma):
        def call(self, headers: object, timeout_s: float) -> None:
            seen.add(threading.current_thread().name)
            time.sleep(0.01)

    await index.close()
    index = ChromaIndex(Watched(tmp_path), timeout_s=30.0, threads=3)
    await index.select(EMBEDDER)
    found = await asyncio.gather(*(index.query((1.0, n / 10), 3) for n in range(12)))
    assert all(len(matches) == 3 for matches in found)
    assert len(seen) > 1
    assert loop_thread not in seen
    await index.close()
