"""The corpus: its documents and its version.

The version is a number that rises with every change that can change an answer (add, replace, delete, re-embed). It
is read from the store, so that nobody has to remember to tell the cache.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class IngestResult(StrEnum):
    """What became of one document."""

    ADDED = "added"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"
    REJECTED = "rejected"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Document:
    """One document that can be found. `id` is a content hash; `added_at` Unix seconds; `embedded`: has vectors."""

    id: str
    source: str
    media_type: str
    size_bytes: int
    chars: int
    chunks: int
    added_at: float
    embedded: bool


@dataclass(frozen=True, slots=True)
class Ingested:
    """Result for one file; `document` is None when rejected or failed, and `detail` then says why and what to do."""

    source: str
    result: IngestResult
    document: Document | None = None
    detail: str = ""
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True)
class IngestReport:
    """Sums over a folder."""

    results: tuple[Ingested, ...] = ()
    removed: tuple[str, ...] = ()
    counts: Mapping[IngestResult, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CorpusState:
    """Size and version of what can be found now. `pending_vectors` chunks still wait for an embedder.

    `embedder` is the model whose vectors may be searched: None until every chunk has been embedded once by the present
    one. After that, single chunks that wait do not unset it.
    """

    version: int
    documents: int
    chunks: int
    pending_vectors: int
    embedder: str | None


class Corpus(Protocol):
    """Adds, lists and deletes documents; one writer at a time, any number of readers."""

    def state(self) -> CorpusState:
        """From memory; microseconds."""
        ...

    async def add(self, source: str, content: bytes) -> Ingested:
        """Returns once the document can be found. Raises `UnsupportedDocument`, `TooLarge`, `ServiceError`
        (STORAGE_FULL). The same content under the same name is `unchanged`; the same name with other content replaces.
        """
        ...

    async def add_folder(
        self, path: str, on_progress: Callable[[int, int, str], None] | None = None, *, prune: bool = False
    ) -> IngestReport:
        """Every readable file below `path`, by relative name. A file that fails is reported, never raised.
        `prune` deletes documents that this folder once gave and no longer holds."""
        ...

    async def embed_pending(self) -> int:
        """Embed chunks that have no vector of the present embedder yet; how many were done. 0 without an embedder."""
        ...

    def documents(self) -> Sequence[Document]: ...

    async def document_text(self, document_id: str) -> str:
        """The extracted text, into which offsets point. Raises `NotFound`."""
        ...

    async def delete(self, document_id: str) -> Document:
        """Remove everywhere. Raises `NotFound`."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Hold:
    """Writers are kept out until `token` is given back, at most `for_s` seconds. `store` tells the files apart from
    those of every other corpus on this machine; `drained_s` is how long writers took to finish."""

    token: str
    store: str
    for_s: float
    drained_s: float


@dataclass(frozen=True, slots=True)
class Pause:
    """A hold that is over. `expired`: its time was, or the service ended, before it was given back."""

    held_s: float
    expired: bool


@dataclass(frozen=True, slots=True)
class Restore:
    """A going back to `checkpoint` that is over, as who did it tells it. `went_back`: it did not work, and the
    documents are those of before."""

    checkpoint: str
    took_s: float
    went_back: bool


class WriteGate(Protocol):
    """Keeps writers out while somebody copies the corpus. Readers go on. And is told of what came of the copies: the
    service does not run while its documents are exchanged."""

    async def hold(self, wait_s: float, for_s: float, on_end: Callable[[Pause], None] | None = None) -> Hold:
        """Once whoever writes now is done. Raises `DependencyUnavailable` when that takes longer than `wait_s`.
        `on_end` is called once it is over, however."""
        ...

    def release(self, token: str) -> Pause:
        """Raises `NotFound` when the hold was over already: then what was copied is not to be trusted."""
        ...

    def note(self, restore: Restore) -> None:
        """The documents were exchanged while no service ran."""
        ...
