"""A corpus for tests: documents in memory, plain text only, with the same results and errors as the real one."""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from service.corpus.chunking import chunk, document_id
from service.corpus.loaders.names import safe_source
from service.corpus.port import CorpusState, Document, Ingested, IngestReport, IngestResult
from service.errors import NotFound, ServiceError, TooLarge, UnsupportedDocument

_CHUNK_CHARS = 900


class FakeCorpus:
    """Implements `Corpus`. `failures` are raised by the next calls, one each; `calls` says what was asked.

    Keywords alone unless `embedder` names one; a document added before that waits for `embed_pending`.
    """

    def __init__(
        self, *, embedder: str | None = None, max_bytes: int = 20 << 20, added_at: float = 1_700_000_000
    ) -> None:
        self.embedder = embedder
        self.failures: deque[Exception] = deque()
        self.calls: list[tuple[str, str]] = []
        self.closed = False
        self._max_bytes = max_bytes
        self._added_at = added_at
        self._version = 0
        self._documents: dict[str, Document] = {}
        self._texts: dict[str, str] = {}
        self._folders: dict[str, str] = {}

    def state(self) -> CorpusState:
        documents = list(self._documents.values())
        pending = sum(document.chunks for document in documents if not document.embedded)
        ready = self.embedder if pending == 0 else None
        return CorpusState(self._version, len(documents), sum(one.chunks for one in documents), pending, ready)

    async def add(self, source: str, content: bytes) -> Ingested:
        self._note("add", source)
        return self._add(safe_source(source), content, "")

    async def add_folder(
        self, path: str, on_progress: Callable[[int, int, str], None] | None = None, *, prune: bool = False
    ) -> IngestReport:
        self._note("add_folder", path)
        root, files = _files(path)
        results: list[Ingested] = []
        for number, file in enumerate(files, start=1):
            source = file.relative_to(root).as_posix()
            try:
                results.append(self._add(source, file.read_bytes(), str(root)))
            except ServiceError as error:
                results.append(Ingested(source, IngestResult.REJECTED, detail=error.detail))
            if on_progress is not None:
                on_progress(number, len(files), source)
        removed = self._prune(str(root), {one.source for one in results}) if prune and files else ()
        return IngestReport(tuple(results), removed, Counter(one.result for one in results))

    async def embed_pending(self) -> int:
        self._note("embed_pending", "")
        if self.embedder is None:
            return 0
        done = self.state().pending_vectors
        self._documents = {key: replace(one, embedded=True) for key, one in self._documents.items()}
        self._version += bool(done)
        return done

    def documents(self) -> Sequence[Document]:
        return tuple(sorted(self._documents.values(), key=lambda document: (document.source, document.id)))

    async def document_text(self, document_id: str) -> str:
        self._note("document_text", document_id)
        return self._texts[self._known(document_id).id]

    async def delete(self, document_id: str) -> Document:
        self._note("delete", document_id)
        return self._forget(self._known(document_id))

    async def close(self) -> None:
        self.closed = True

    def _note(self, call: str, what: str) -> None:
        self.calls.append((call, what))
        if self.failures:
            raise self.failures.popleft()

    def _add(self, source: str, content: bytes, folder: str) -> Ingested:
        identity = document_id(source, content)
        if identity in self._documents:
            return Ingested(source, IngestResult.UNCHANGED, self._documents[identity])
        text = self._read(source, content)
        old = self._replaced(source, folder)
        for document in old:
            self._forget(document)
        added = Document(
            id=identity,
            source=source,
            media_type="text/markdown" if source.endswith(".md") else "text/plain",
            size_bytes=len(content),
            chars=len(text),
            chunks=len(chunk(text, target_chars=_CHUNK_CHARS)),
            added_at=self._added_at,
            embedded=self.embedder is not None,
        )
        self._documents[identity], self._texts[identity], self._folders[identity] = added, text, folder
        self._version += 1
        return Ingested(source, IngestResult.REPLACED if old else IngestResult.ADDED, added)

    def _replaced(self, source: str, folder: str) -> list[Document]:
        """Of the same name and folder; an upload knows no folder, and replaces the youngest of its name."""
        named = [one for one in self._documents.values() if one.source == source]
        return [one for one in named if self._folders[one.id] == folder] or ([] if folder else named[-1:])

    def _read(self, source: str, content: bytes) -> str:
        if len(content) > self._max_bytes:
            raise TooLarge(f"{source} is above the limit of {self._max_bytes:,} bytes; split it into parts")
        try:
            text = content.decode().strip("\n")
        except UnicodeDecodeError as error:
            raise UnsupportedDocument(f"{source} is a binary file; add text") from error
        if "\x00" in text or not text.strip():
            raise UnsupportedDocument(f"{source} holds no visible text; there is nothing to find in it")
        return text

    def _prune(self, folder: str, present: set[str]) -> tuple[str, ...]:
        gone = [one for one in self.documents() if self._folders[one.id] == folder and one.source not in present]
        return tuple(self._forget(document).source for document in gone)

    def _known(self, document_id: str) -> Document:
        if document_id not in self._documents:
            raise NotFound("there is no document with this id")
        return self._documents[document_id]

    def _forget(self, document: Document) -> Document:
        del self._documents[document.id], self._texts[document.id], self._folders[document.id]
        self._version += 1
        return document


def _files(path: str) -> tuple[Path, list[Path]]:
    root = Path(path).resolve()
    if not root.is_dir():
        raise NotFound(f"{path} is not a folder that can be read")
    return root, [file for file in sorted(root.rglob("*")) if file.is_file() and not file.name.startswith(".")]
