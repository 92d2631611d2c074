"""Exchanging everything that the documents are kept in for another state of it, so that a kill at any point leaves the
old one or the new one whole.

The store is what lies in two folders: the corpus file in one, the vector index in the other. A restore lays the new
state beside the old one (`.restore/new` in each folder), and `begin` writes a journal before anything is moved. From
then on every move is a rename that may be done again: `advance` brings what was begun to its end, whoever calls it. The
old state waits in `.restore/old` until `settle` lets it go or `turn_back` puts it back.

Blocking; for the holder of the data folder's lock. Raises `OSError`, and `SwapUnreadable` for a journal that is none.
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path

from service.whole_file import sync_folder, write_whole

JOURNAL = "restore.json"
BESIDE = ".restore"
NEW, OLD, REFUSED = "new", "old", "refused"
CORPUS_FILES = ("corpus.sqlite3", "corpus.sqlite3-wal", "corpus.sqlite3-shm", "corpus.sqlite3-journal")
# The vector index's own lock is held by number of the file: it stays.
_STAYS = frozenset({BESIDE, "owner.lock", "lost+found"})


class SwapUnreadable(Exception):
    """The journal cannot be understood. The text says which file and what to do."""


class Phase(StrEnum):
    """How far it is. `PLACED`: the new state is in place, and whether it is good is not yet known."""

    FORWARD = "forward"
    PLACED = "placed"
    BACK = "back"


@dataclass(frozen=True, slots=True)
class Journal:
    """What was begun. `vectors` is the index's folder, below the corpus's or absolute, empty when it is not touched;
    `out` and `into` name what leaves and what comes, of each folder."""

    checkpoint: str
    phase: Phase
    vectors: str
    corpus_out: tuple[str, ...]
    corpus_into: tuple[str, ...]
    vectors_out: tuple[str, ...]
    vectors_into: tuple[str, ...]


def beside(folder: Path, state: str) -> Path:
    """Where a state that is not in place lies."""
    return folder / BESIDE / state


def read(corpus: Path) -> Journal | None:
    """What was begun in this data folder and is not over."""
    path = corpus / JOURNAL
    try:
        told = json.loads(path.read_bytes())
        names = {key: tuple(map(str, told[key])) for key in _LISTS}
        return Journal(str(told["checkpoint"]), Phase(told["phase"]), str(told["vectors"]), **names)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise SwapUnreadable(
            f"{path} says that a restore was begun, and cannot be read; look into {corpus / BESIDE}: the state before "
            f"it is in {OLD}, the new one in {NEW}"
        ) from error


def begin(corpus: Path, vectors: Path | None, checkpoint: str) -> Journal:
    """Note that the new states, which lie whole and fsynced beside the old ones, are to take their places. Moves
    nothing yet; from here on there is no way but `advance`."""
    where = ""
    if vectors is not None:
        where = str(vectors.relative_to(corpus)) if vectors.is_relative_to(corpus) else str(vectors.absolute())
    journal = Journal(
        checkpoint,
        Phase.FORWARD,
        where,
        corpus_out=_leaving(corpus, _names(beside(corpus, NEW))),
        corpus_into=_names(beside(corpus, NEW)),
        vectors_out=_names(vectors) if vectors else (),
        vectors_into=_names(beside(vectors, NEW)) if vectors else (),
    )
    _write(corpus, journal)
    return journal


def advance(corpus: Path) -> Journal | None:
    """Bring what was begun to its end: the new state in place, or the old one again. None when nothing is left to
    decide."""
    journal = read(corpus)
    if journal is None or journal.phase is Phase.PLACED:
        return journal
    for folder, out, into in _moves(corpus, journal):
        if journal.phase is Phase.FORWARD:
            _exchange(folder, leave=out, for_=OLD, come=into, of=NEW)
        else:
            _exchange(folder, leave=into, for_=REFUSED, come=out, of=OLD)
    if journal.phase is Phase.BACK:
        _forget(corpus, journal)
        return None
    journal = replace(journal, phase=Phase.PLACED)
    _write(corpus, journal)
    return journal


def turn_back(corpus: Path) -> None:
    """Put the old state back. Nothing when nothing was begun."""
    journal = advance(corpus)
    if journal is None:
        return
    # All that the new state is by now: a log that it has left would be taken for that of the old one, and spoil it.
    now = replace(
        journal,
        phase=Phase.BACK,
        corpus_into=_leaving(corpus, journal.corpus_into),
        vectors_into=_names(corpus / journal.vectors) if journal.vectors else (),
    )
    _write(corpus, now)
    advance(corpus)


def settle(corpus: Path) -> None:
    """The new state is good: let the old one go. Nothing when nothing was begun."""
    journal = advance(corpus)
    if journal is not None:
        _forget(corpus, journal)


def finish_at_start(corpus: Path) -> str:
    """For a service that starts: what was done about a restore that did not end, in words; empty when there was none.
    Raises `SwapUnreadable` when it takes more than this folder."""
    journal = read(corpus)
    if journal is None:
        return ""
    if journal.phase is not Phase.PLACED and Path(journal.vectors).is_absolute():
        raise SwapUnreadable(
            f"a restore of checkpoint {journal.checkpoint} was interrupted between the documents and their vectors, "
            "which lie elsewhere; finish it with `emini-rag checkpoint recover` (Docker: on its host, with --compose), "
            "then start again"
        )
    after = advance(corpus)
    if after is None:
        return f"an interrupted restore of checkpoint {journal.checkpoint} was taken back: the state before it is used"
    return (
        f"the state of checkpoint {journal.checkpoint} is used; its restore was interrupted before it was confirmed: "
        "`emini-rag checkpoint recover` ends it"
    )


_LISTS = ("corpus_out", "corpus_into", "vectors_out", "vectors_into")


def _leaving(corpus: Path, replaced: tuple[str, ...]) -> tuple[str, ...]:
    """What is there of the corpus and of what else is replaced, each with what SQLite keeps beside it: a log of another
    file would spoil it."""
    others = (name for name in replaced if name not in CORPUS_FILES)
    names = [*CORPUS_FILES, *(name + suffix for name in others for suffix in ("", "-wal", "-shm", "-journal"))]
    return tuple(name for name in names if (corpus / name).exists())


def _names(folder: Path) -> tuple[str, ...]:
    if not folder.is_dir():
        return ()
    return tuple(sorted(one.name for one in folder.iterdir() if one.name not in _STAYS))


def _folders(corpus: Path, journal: Journal) -> Iterator[Path]:
    return (folder for folder, _, _ in _moves(corpus, journal))


def _moves(corpus: Path, journal: Journal) -> Iterator[tuple[Path, tuple[str, ...], tuple[str, ...]]]:
    yield corpus, journal.corpus_out, journal.corpus_into
    if journal.vectors:
        yield corpus / journal.vectors, journal.vectors_out, journal.vectors_into


def _exchange(folder: Path, *, leave: tuple[str, ...], for_: str, come: tuple[str, ...], of: str) -> None:
    """Each step leaves a trace of its own having been done, so all of it may be done again from the start."""
    away, here = beside(folder, for_), beside(folder, of)
    away.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in leave:
        if not (away / name).exists() and (folder / name).exists():
            (folder / name).rename(away / name)
    for name in come:
        if (here / name).exists():
            (here / name).rename(folder / name)
    for changed in (away, here, folder / BESIDE, folder):
        if changed.exists():
            sync_folder(changed)


def _forget(corpus: Path, journal: Journal) -> None:
    """First the journal: without it what lies beside is of no use, and the next restore clears it away."""
    (corpus / JOURNAL).unlink(missing_ok=True)
    sync_folder(corpus)
    for folder in _folders(corpus, journal):
        shutil.rmtree(folder / BESIDE, ignore_errors=True)


def _write(corpus: Path, journal: Journal) -> None:
    write_whole(corpus / JOURNAL, json.dumps(asdict(journal)))
