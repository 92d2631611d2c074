"""The files that the documents are kept in, where they are in use: copied out, and exchanged for a copy.

`Store` is what both kinds of installation offer: `FolderStore` here, over folders of this machine, and `VolumeStore`,
over volumes of Docker. Blocking; raises `Failure`, `OSError`, `sqlite3.Error`.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ops.checkpoint.files import (
    OnBytes,
    copy,
    copy_database,
    copy_tree,
    free_bytes,
    listing,
    nobody,
    record,
    size_of,
    sync_tree,
)
from ops.checkpoint.manifest import STORE, VECTORS, Manifest
from ops.checkpoint.turn import turn
from ops.stack.process import answers
from service.cli.failures import Failure
from service.data_folder import DataFolder
from service.store_swap import BESIDE, NEW, Journal, advance, begin, beside, read, settle, turn_back
from service.whole_file import sync_folder

_CORPUS, _CHROMA = "corpus.sqlite3", "chroma.sqlite3"
CACHES = ("cache-answer.sqlite3", "cache-prompt.sqlite3")
_DIGESTS = "models.json"
_OWN = frozenset({BESIDE, "owner.lock", "lost+found", "chroma.sqlite3-journal", _CHROMA})
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Look:
    """What a store is now. `identity` tells its files apart from others of this machine, empty when there are none;
    sizes in bytes."""

    identity: str
    size: int
    free: int


class Store(Protocol):
    """Where the documents of one installation are kept."""

    def look(self) -> Look: ...

    def copy(self, to: Path, *, caches: bool, on_bytes: OnBytes = nobody) -> None:
        """Everything, into a new folder, as a store's part of a checkpoint. While nobody writes."""
        ...

    def model_digests(self, to: Path) -> None:
        """What the service last knew of its models, as a file; nothing when it has not written that down."""
        ...

    def exclusive(self) -> AbstractContextManager[None]:
        """Keep every service away. Raises `Failure` when one is there."""
        ...

    def stage(self, checkpoint: Path, on_bytes: OnBytes = nobody) -> None:
        """Lay a checkpoint's part of the store beside the present one, whole and on the disk."""
        ...

    def version(self) -> int:
        """How often the documents have been changed."""
        ...

    def journal(self) -> Journal | None: ...

    def begin(self, checkpoint: str) -> None: ...

    def advance(self) -> None: ...

    def turn_back(self) -> None: ...

    def settle(self) -> None: ...


class FolderStore:
    """Implements `Store`: `corpus` holds the corpus file, `vectors` the index; None when that is on a server whose
    folder is not known. `server` is the address of the one whose folder it is, empty for none."""

    def __init__(self, corpus: Path, vectors: Path | None, server: str = "") -> None:
        self.corpus = corpus.absolute()
        self.vectors = vectors.absolute() if vectors else None
        self._server = server

    def look(self) -> Look:
        try:
            status = (self.corpus / _CORPUS).stat()
        except FileNotFoundError:
            return Look("", 0, free_bytes(self.corpus))
        size = sum(path.stat().st_size for path in self.corpus.glob(f"{_CORPUS}*"))
        size += size_of(self.vectors) if self.vectors else 0
        return Look(f"{status.st_dev}:{status.st_ino}", size, free_bytes(self.corpus))

    def copy(self, to: Path, *, caches: bool, on_bytes: OnBytes = nobody) -> None:
        to.mkdir(mode=0o700)
        copy_database(self.corpus / _CORPUS, to / _CORPUS, on_bytes)
        for name in CACHES if caches else ():
            if (self.corpus / name).exists():
                copy_database(self.corpus / name, to / name, on_bytes)
        for _ in range(_ATTEMPTS):
            before = self._signature()
            self._copy_vectors(to / VECTORS, on_bytes)
            if self._signature() == before:
                return
            shutil.rmtree(to / VECTORS, ignore_errors=True)
        why = "something writes to them although the service keeps its writers out"
        raise Failure("The vectors changed while they were copied", why, todo=f"See who uses {self.vectors}.")

    def model_digests(self, to: Path) -> None:
        if (self.corpus / _DIGESTS).exists():
            copy(self.corpus / _DIGESTS, to)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        # No least space: putting an old state back must work on a full disk too.
        with DataFolder(self.corpus, min_free_bytes=0):
            yield

    def version(self) -> int:
        with closing(sqlite3.connect(f"{(self.corpus / _CORPUS).resolve().as_uri()}?mode=rw", uri=True)) as db:
            return int(db.execute("SELECT value FROM meta WHERE name = 'version'").fetchone()[0])

    def stage(self, checkpoint: Path, on_bytes: OnBytes = nobody) -> None:
        self.corpus.mkdir(parents=True, exist_ok=True, mode=0o700)
        # A helper container outlives the command that was killed, and would go on writing into the same folder.
        with turn(self.corpus, "another restore lays its files beside the documents"):
            if self.journal() is not None:
                raise Failure("A restore of these documents was begun", todo="`emini-rag checkpoint recover` ends it.")
            self._stage(checkpoint, on_bytes)

    def _stage(self, checkpoint: Path, on_bytes: OnBytes) -> None:
        files, given = Manifest.read(checkpoint).files, checkpoint / STORE
        expected = {name.removeprefix(f"{STORE}/"): one for name, one in files.items() if name.startswith(f"{STORE}/")}
        # After a kill that came before anything was moved.
        for folder in self._folders():
            shutil.rmtree(folder / BESIDE, ignore_errors=True)
        new = beside(self.corpus, NEW)
        new.mkdir(parents=True, mode=0o700)
        for path in given.glob("*.sqlite3"):
            copy(path, new / path.name, on_bytes)
        staged = {path: path.name for path in listing(new)}
        if self.vectors is not None:
            vectors = beside(self.vectors, NEW)
            copy_tree(given / VECTORS, vectors, on_bytes)
            staged |= {path: f"{VECTORS}/{path.relative_to(vectors).as_posix()}" for path in listing(vectors)}
        wanted = {name for name in expected if self.vectors is not None or not name.startswith(f"{VECTORS}/")}
        if set(staged.values()) != wanted or any(record(path) != expected[name] for path, name in staged.items()):
            raise Failure("What was copied beside the present state is not what the checkpoint holds")
        for folder in self._folders():
            sync_tree(folder / BESIDE)
            sync_folder(folder)

    def journal(self) -> Journal | None:
        return read(self.corpus)

    def begin(self, checkpoint: str) -> None:
        self._require_no_server()
        begin(self.corpus, self.vectors, checkpoint)

    def advance(self) -> None:
        self._require_no_server()
        advance(self.corpus)

    def turn_back(self) -> None:
        self._require_no_server()
        turn_back(self.corpus)

    def settle(self) -> None:
        settle(self.corpus)

    def _require_no_server(self) -> None:
        """It would go on with the files that it has opened, whatever they are called by then."""
        if self._server and answers(f"{self._server.rstrip('/')}/api/v2/heartbeat"):
            todo = "Stop it too, or let --stop and --start stop and start both."
            raise Failure(f"The Chroma server at {self._server} runs, and uses {self.vectors}", todo=todo)

    def _folders(self) -> list[Path]:
        return [self.corpus, *([self.vectors] if self.vectors else [])]

    def _copy_vectors(self, to: Path, on_bytes: OnBytes) -> None:
        if self.vectors is None or not (self.vectors / _CHROMA).exists():
            return
        to.mkdir(mode=0o700)
        copy_database(self.vectors / _CHROMA, to / _CHROMA, on_bytes)
        copy_tree(self.vectors, to, on_bytes, _OWN)

    def _signature(self) -> dict[str, tuple[int, int, int]]:
        """Of what Chroma could write at a time of its own choosing."""
        if self.vectors is None or not self.vectors.exists():
            return {}
        names = {path: path.relative_to(self.vectors).parts[0] for path in listing(self.vectors)}
        found = ((path, path.stat()) for path, name in names.items() if name not in _OWN or name == _CHROMA)
        return {str(path): (one.st_ino, one.st_size, one.st_mtime_ns) for path, one in found}


def schema_of(corpus: Path) -> int:
    """The schema version of a corpus file that nobody uses."""
    with closing(sqlite3.connect(f"{corpus.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])
