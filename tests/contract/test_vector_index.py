"""What every vector index must do: Chroma in this process, a real Chroma server, and the fake."""

import math
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from service.embedding.port import EmbedderId
from service.errors import Dependency, DependencyError, DependencyUnavailable
from service.retrieval.chroma import ChromaIndex
from service.retrieval.chroma_store import EmbeddedChroma, RemoteChroma
from service.retrieval.port import VectorIndex, VectorRow
from tests.components.chroma import RunningChroma
from tests.fakes.vector_index import FakeVectorIndex

EMBEDDER = EmbedderId("nomic-embed-text", "sha256:aaaa", 4)
REBUILT = EmbedderId("nomic-embed-text", "sha256:bbbb", 4)
WIDER = EmbedderId("mxbai-embed-large", "sha256:cccc", 8)

EAST = VectorRow("east", "compass", (1.0, 0.0, 0.0, 0.0))
NORTH_EAST = VectorRow("north-east", "compass", (1.0, 1.0, 0.0, 0.0))
NORTH = VectorRow("north", "compass", (0.0, 1.0, 0.0, 0.0))
WEST = VectorRow("west", "other", (-1.0, 0.0, 0.0, 0.0))
ALL = (EAST, NORTH_EAST, NORTH, WEST)


@pytest.fixture(scope="module")
def chroma_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with RunningChroma(tmp_path_factory.mktemp("chroma")) as running:
        yield running.url


@pytest.fixture(params=["fake", "embedded", pytest.param("server", marks=pytest.mark.real)])
async def index(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[VectorIndex]:
    """One server serves all tests, so each test has a corpus of its own."""
    made: VectorIndex
    if request.param == "fake":
        made = FakeVectorIndex()
    elif request.param == "embedded":
        made = ChromaIndex(EmbeddedChroma(tmp_path / "chroma"), timeout_s=30.0)
    else:
        store = RemoteChroma(request.getfixturevalue("chroma_url"))
        made = ChromaIndex(store, corpus=uuid.uuid4().hex, timeout_s=30.0)
    yield made
    await made.close()


async def filled(index: VectorIndex) -> VectorIndex:
    await index.select(EMBEDDER)
    await index.upsert(ALL)
    return index


async def test_the_nearest_come_first_with_cosine_distances(index: VectorIndex) -> None:
    found = await (await filled(index)).query((2.0, 0.0, 0.0, 0.0), 10)
    assert [match.chunk_id for match in found] == ["east", "north-east", "north", "west"]
    expected = (0.0, 1 - math.sqrt(0.5), 1.0, 2.0)
    assert [match.distance for match in found] == pytest.approx(expected, abs=1e-5)
    assert [match.score for match in found] == pytest.approx([1 - distance for distance in expected], abs=1e-5)


async def test_no_more_than_asked_for(index: VectorIndex) -> None:
    found = await (await filled(index)).query(NORTH.vector, 2)
    assert [match.chunk_id for match in found] == ["north", "north-east"]


async def test_an_empty_index_finds_nothing(index: VectorIndex) -> None:
    await index.select(EMBEDDER)
    assert await index.query(EAST.vector, 5) == ()
    assert await index.count() == 0
    assert await index.chunk_ids() == frozenset()


async def test_the_same_id_is_replaced(index: VectorIndex) -> None:
    await filled(index)
    await index.upsert([VectorRow("east", "compass", WEST.vector), VectorRow("new", "other", EAST.vector)])
    assert await index.count() == 5
    assert (await index.query(EAST.vector, 1))[0].chunk_id == "new"


async def test_an_id_that_comes_twice_in_one_call_counts_once_and_the_last_one_wins(index: VectorIndex) -> None:
    await index.select(EMBEDDER)
    await index.upsert([EAST, VectorRow("east", "compass", WEST.vector)])
    assert await index.count() == 1
    assert (await index.query(WEST.vector, 1))[0].distance == pytest.approx(0.0, abs=1e-5)


async def test_writing_and_deleting_nothing_is_no_error(index: VectorIndex) -> None:
    await filled(index)
    await index.upsert([])
    await index.delete([])
    await index.delete_chunks([])
    assert await index.count() == 4


async def test_deleting_documents_removes_all_their_vectors_and_no_other(index: VectorIndex) -> None:
    await filled(index)
    await index.delete(["compass", "never seen"])
    assert await index.chunk_ids() == frozenset({"west"})
    assert [match.chunk_id for match in await index.query(EAST.vector, 5)] == ["west"]


async def test_deleting_chunks_ignores_unknown_ids(index: VectorIndex) -> None:
    await filled(index)
    await index.delete_chunks(["north", "never seen"])
    assert await index.chunk_ids() == frozenset({"east", "north-east", "west"})


async def test_each_embedder_has_a_collection_of_its_own_that_is_found_again(index: VectorIndex) -> None:
    await filled(index)
    await index.select(REBUILT)
    assert await index.count() == 0
    await index.select(WIDER)
    await index.upsert([VectorRow("wide", "compass", (1.0,) * 8)])
    assert [match.chunk_id for match in await index.query((1.0,) * 8, 5)] == ["wide"]
    await index.select(EMBEDDER)
    assert await index.count() == 4


async def test_selecting_again_loses_nothing(index: VectorIndex) -> None:
    await filled(index)
    await index.select(EMBEDDER)
    assert await index.count() == 4


async def test_only_the_selected_collection_is_left_after_drop_others(index: VectorIndex) -> None:
    await filled(index)
    await index.select(REBUILT)
    await index.upsert([EAST])
    await index.drop_others()
    assert await index.count() == 1
    await index.select(EMBEDDER)
    assert await index.count() == 0


async def test_nothing_can_be_done_before_an_embedder_is_selected(index: VectorIndex) -> None:
    with pytest.raises(DependencyUnavailable) as failed:
        await index.query(EAST.vector, 5)
    assert failed.value.dependency is Dependency.CHROMA
    with pytest.raises(DependencyUnavailable):
        await index.count()


async def test_ping_is_quiet_while_it_serves(index: VectorIndex) -> None:
    await index.ping()
    await filled(index)
    await index.ping()


async def test_more_rows_than_one_call_takes(index: VectorIndex) -> None:
    await index.select(EMBEDDER)
    rows = [
        VectorRow(f"chunk {n}", f"document {n % 300}", (math.cos(n / 200), math.sin(n / 200), 0.0, 0.0))
        for n in range(1200)
    ]
    await index.upsert(rows)
    assert await index.chunk_ids() == frozenset(row.chunk_id for row in rows)
    await index.delete([f"document {n}" for n in range(150)])
    assert await index.count() == 600
    await index.delete_chunks([row.chunk_id for row in rows])
    assert await index.count() == 0


# The fake trusts its caller.
@pytest.mark.parametrize("index", ["embedded", pytest.param("server", marks=pytest.mark.real)], indirect=True)
async def test_a_vector_of_another_length_is_refused(index: VectorIndex) -> None:
    await filled(index)
    with pytest.raises(DependencyError) as failed:
        await index.query((1.0, 0.0), 5)
    assert failed.value.dependency is Dependency.CHROMA
    assert failed.value.__cause__ is not None
    with pytest.raises(DependencyError):
        await index.upsert([VectorRow("short", "other", (1.0, 0.0))])
    assert await index.count() == 4
