"""`ingest document` and `ingest folder`: how long, and what became of each document. Names of files are never told."""

from collections.abc import Callable, Sequence

from service.corpus.port import Corpus, CorpusState, Document, Ingested, IngestReport, IngestResult
from service.errors import ErrorKind, ServiceError
from service.telemetry.catalogue import INGEST_DURATION, INGESTED, Attribute, SpanName
from service.telemetry.meters import Meters
from service.telemetry.stage import Attributes, Stages

_REFUSED = frozenset({ErrorKind.UNSUPPORTED_DOCUMENT, ErrorKind.TOO_LARGE})


class InstrumentedCorpus:
    """Implements `Corpus`."""

    def __init__(self, inner: Corpus, stages: Stages, meters: Meters) -> None:
        self._inner = inner
        self._stages = stages
        self._meters = meters

    def state(self) -> CorpusState:
        return self._inner.state()

    async def add(self, source: str, content: bytes) -> Ingested:
        with self._stages.start(SpanName.INGEST, attributes={Attribute.INGEST_BYTES: len(content)}) as span:
            try:
                ingested = await self._inner.add(source, content)
            except ServiceError as error:
                refused = error.kind in _REFUSED
                self._count(IngestResult.REJECTED if refused else IngestResult.FAILED, span.elapsed_s)
                raise
            span.note(_facts, ingested)
            self._count(ingested.result, span.elapsed_s)
        return ingested

    async def add_folder(
        self, path: str, on_progress: Callable[[int, int, str], None] | None = None, *, prune: bool = False
    ) -> IngestReport:
        with self._stages.start(SpanName.INGEST_FOLDER) as span:
            report = await self._inner.add_folder(path, on_progress, prune=prune)
            span.note(lambda: {Attribute.INGEST_DOCUMENTS: len(report.results)})
            for ingested in report.results:
                self._count(ingested.result, ingested.duration_s)
        return report

    async def embed_pending(self) -> int:
        return await self._inner.embed_pending()

    def documents(self) -> Sequence[Document]:
        return self._inner.documents()

    async def document_text(self, document_id: str) -> str:
        return await self._inner.document_text(document_id)

    async def delete(self, document_id: str) -> Document:
        return await self._inner.delete(document_id)

    async def close(self) -> None:
        await self._inner.close()

    def _count(self, result: IngestResult, seconds: float) -> None:
        self._meters.add(INGESTED, result=result)
        # Looking at what is there already says nothing about how long documents take.
        if result is not IngestResult.UNCHANGED:
            self._meters.observe(INGEST_DURATION, seconds)


def _facts(ingested: Ingested) -> Attributes:
    chunks = ingested.document.chunks if ingested.document is not None else 0
    return {Attribute.INGEST_RESULT: ingested.result.value, Attribute.INGEST_CHUNKS: chunks}
