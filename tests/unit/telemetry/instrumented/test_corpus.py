"""Documents coming in: how long, and what became of them."""

from pathlib import Path

import pytest

from service.errors import ErrorKind, ServiceError, TooLarge, UnsupportedDocument
from service.telemetry.instrumented.corpus import InstrumentedCorpus
from tests.fakes.corpus import FakeCorpus
from tests.telemetry.recorder import Recorder

RESULTS = "rag_ingest_documents_total"
DURATIONS = "rag_ingest_duration_seconds_count"


def stand() -> tuple[Recorder, FakeCorpus, InstrumentedCorpus]:
    recorder, inner = Recorder(), FakeCorpus()
    return recorder, inner, InstrumentedCorpus(inner, recorder.stages, recorder.meters)


async def test_an_added_document_is_measured_and_an_unchanged_one_only_counted() -> None:
    recorder, _, corpus = stand()
    first = await corpus.add("a.md", b"Momentum persists.")
    assert first.document is not None
    await corpus.add("a.md", b"Momentum persists.")
    added, _ = recorder.spans()
    assert dict(added.attributes) == {
        "rag.ingest.bytes": 18,
        "rag.ingest.result": "added",
        "rag.ingest.chunks": first.document.chunks,
    }
    assert recorder.sample(RESULTS, result="added") == recorder.sample(RESULTS, result="unchanged") == 1
    assert recorder.sample(DURATIONS) == 1


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (UnsupportedDocument("binary"), "rejected"),
        (TooLarge("large"), "rejected"),
        (ServiceError(ErrorKind.STORAGE_FULL, "full"), "failed"),
    ],
)
async def test_a_refusal_and_a_failure_are_told_apart(error: ServiceError, result: str) -> None:
    recorder, inner, corpus = stand()
    inner.failures.append(error)
    with pytest.raises(ServiceError):
        await corpus.add("a.md", b"x")
    assert recorder.only().attributes["error.type"] == error.kind.value
    assert (recorder.sample(RESULTS, result=result), recorder.sample(DURATIONS)) == (1, 1)


async def test_a_folder_is_one_span_and_each_of_its_documents_counts(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("Momentum persists.")
    (tmp_path / "b.md").write_bytes(b"\x00")
    recorder, _, corpus = stand()
    seen: list[tuple[int, int, str]] = []
    report = await corpus.add_folder(str(tmp_path), lambda *step: seen.append(step))
    assert (len(report.results), len(seen)) == (2, 2)
    assert dict(recorder.only().attributes) == {"rag.ingest.documents": 2}
    assert recorder.sample(RESULTS, result="added") == recorder.sample(RESULTS, result="rejected") == 1


async def test_the_rest_passes_through() -> None:
    recorder, inner, corpus = stand()
    document = (await corpus.add("a.md", b"Momentum persists.")).document
    assert document is not None
    recorder.spans()
    assert (corpus.state(), list(corpus.documents())) == (inner.state(), [document])
    assert await corpus.document_text(document.id) == "Momentum persists."
    assert await corpus.embed_pending() == 0
    assert await corpus.delete(document.id) == document
    await corpus.close()
    assert (inner.closed, recorder.spans()) == (True, ())
