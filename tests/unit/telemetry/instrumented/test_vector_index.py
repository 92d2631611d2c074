"""Database spans of the vector store, embedded or a server."""

import pytest

from service.embedding.port import EmbedderId
from service.errors import DependencyUnavailable
from service.retrieval.port import VectorRow
from service.telemetry.instrumented.peer import Peer
from service.telemetry.instrumented.vector_index import InstrumentedVectorIndex
from tests.fakes.vector_index import FakeVectorIndex
from tests.telemetry.recorder import Recorder

IDENTITY = EmbedderId("fake", "d1", 2)
ROWS = [VectorRow("c1", "d1", (1.0, 0.0)), VectorRow("c2", "d2", (0.0, 1.0))]


async def test_each_operation_is_a_span() -> None:
    recorder, inner = Recorder(), FakeVectorIndex()
    index = InstrumentedVectorIndex(inner, recorder.stages)
    await index.select(IDENTITY)
    await index.upsert(ROWS)
    assert [match.chunk_id for match in await index.query((1.0, 0.0), 1)] == ["c1"]
    await index.delete(["d1"])
    await index.delete_chunks(["c2"])
    upserted, queried, *deleted = recorder.spans()
    assert (queried.name, queried.kind.name) == ("query documents", "INTERNAL")
    assert dict(queried.attributes) == {
        "db.system.name": "chroma",
        "db.collection.name": "documents",
        "db.operation.name": "query",
        "db.response.returned_rows": 1,
    }
    assert (upserted.name, upserted.attributes["db.operation.batch.size"]) == ("upsert documents", 2)
    assert [span.name for span in deleted] == ["delete documents"] * 2
    assert "db.operation.batch.size" not in deleted[0].attributes


async def test_a_server_is_called() -> None:
    recorder, inner = Recorder(), FakeVectorIndex()
    index = InstrumentedVectorIndex(inner, recorder.stages, Peer("chroma", "box", 8000))
    inner.away = True
    with pytest.raises(DependencyUnavailable):
        await index.query((1.0, 0.0), 1)
    span = recorder.only()
    assert (span.kind.name, span.attributes["error.type"]) == ("CLIENT", "connection_error")
    assert (span.attributes["service.peer.name"], span.attributes["server.port"]) == ("chroma", 8000)


async def test_upkeep_passes_through_without_spans() -> None:
    recorder, inner = Recorder(), FakeVectorIndex()
    index = InstrumentedVectorIndex(inner, recorder.stages)
    await index.select(IDENTITY)
    await index.drop_others()
    await index.ping()
    assert (await index.count(), await index.chunk_ids()) == (0, frozenset())
    await index.close()
    assert (inner.calls, inner.closed) == (["select", "drop_others", "ping", "count", "chunk_ids"], True)
    assert recorder.spans() == ()
