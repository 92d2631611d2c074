"""One state for another: whole after a stop between any two moves, forward and back."""

import json
from pathlib import Path

import pytest

from service.store_swap import (
    BESIDE,
    JOURNAL,
    NEW,
    OLD,
    REFUSED,
    Phase,
    SwapUnreadable,
    advance,
    begin,
    beside,
    finish_at_start,
    read,
    settle,
    turn_back,
)

OLD_CORPUS = {"corpus.sqlite3": "old", "corpus.sqlite3-wal": "old log", "cache-answer.sqlite3": "old answers"}
NEW_CORPUS = {"corpus.sqlite3": "new", "cache-answer.sqlite3": "new answers"}
OLD_VECTORS = {"chroma.sqlite3": "old", "a1/data.bin": "old"}
NEW_VECTORS = {"chroma.sqlite3": "new", "b2/data.bin": "new"}
KEPT = {"lock": "held", "keys.json": "keys"}


def lay(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def there(folder: Path) -> dict[str, str]:
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_text() for name, path in found.items() if BESIDE not in name and name != JOURNAL}


@pytest.fixture(params=["inside", "elsewhere"])
def folders(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    corpus = tmp_path / "data"
    vectors = corpus / "chroma" if request.param == "inside" else tmp_path / "vectors"
    lay(corpus, OLD_CORPUS | KEPT)
    lay(vectors, OLD_VECTORS | {"owner.lock": ""})
    lay(beside(corpus, NEW), NEW_CORPUS)
    lay(beside(vectors, NEW), NEW_VECTORS)
    return corpus, vectors


def assert_new(corpus: Path, vectors: Path) -> None:
    assert {name: text for name, text in there(corpus).items() if "/" not in name} == NEW_CORPUS | KEPT
    assert there(vectors) == NEW_VECTORS | {"owner.lock": ""}


def assert_old(corpus: Path, vectors: Path) -> None:
    assert {name: text for name, text in there(corpus).items() if "/" not in name} == OLD_CORPUS | KEPT
    assert there(vectors) == OLD_VECTORS | {"owner.lock": ""}


def moves(corpus: Path, vectors: Path, leaving: str, coming: str, out: str) -> list[tuple[Path, Path]]:
    """What an exchange does, one rename after the other."""
    made = []
    for folder, old, new in ((corpus, OLD_CORPUS, NEW_CORPUS), (vectors, OLD_VECTORS, NEW_VECTORS)):
        first, second = (old, new) if leaving == "old" else (new, old)
        made += [(folder / name, beside(folder, out) / name) for name in sorted({one.split("/")[0] for one in first})]
        made += [
            (beside(folder, coming) / name, folder / name) for name in sorted({one.split("/")[0] for one in second})
        ]
    return made


COUNT = 9


@pytest.mark.parametrize("done", range(COUNT + 1))
def test_a_stop_after_any_move_still_ends_with_the_new_state(folders: tuple[Path, Path], done: int) -> None:
    corpus, vectors = folders
    begin(corpus, vectors, "c1")
    steps = moves(corpus, vectors, "old", NEW, OLD)
    for source, target in steps[:done]:
        target.parent.mkdir(exist_ok=True)
        source.rename(target)
    journal = advance(corpus)
    assert journal is not None
    assert (journal.phase, journal.checkpoint) == (Phase.PLACED, "c1")
    assert_new(corpus, vectors)
    settle(corpus)
    assert_new(corpus, vectors)
    assert not (corpus / BESIDE).exists()
    assert not (vectors / BESIDE).exists()
    assert read(corpus) is None


@pytest.mark.parametrize("done", range(COUNT + 1))
def test_a_stop_on_the_way_back_still_ends_with_the_old_state(folders: tuple[Path, Path], done: int) -> None:
    corpus, vectors = folders
    begin(corpus, vectors, "c1")
    advance(corpus)
    told = json.loads((corpus / JOURNAL).read_text())
    (corpus / JOURNAL).write_text(json.dumps(told | {"phase": "back"}))
    for source, target in moves(corpus, vectors, "new", OLD, REFUSED)[:done]:
        target.parent.mkdir(exist_ok=True)
        source.rename(target)
    assert advance(corpus) is None
    assert_old(corpus, vectors)
    assert read(corpus) is None


def test_turning_back_from_the_middle(folders: tuple[Path, Path]) -> None:
    corpus, vectors = folders
    begin(corpus, vectors, "c1")
    turn_back(corpus)
    assert_old(corpus, vectors)
    turn_back(corpus)
    settle(corpus)
    assert_old(corpus, vectors)


def test_what_the_new_state_has_left_beside_itself_goes_with_it(folders: tuple[Path, Path]) -> None:
    """The log of a service that was killed on it, which SQLite would take for that of the old documents."""
    corpus, vectors = folders
    begin(corpus, vectors, "c1")
    advance(corpus)
    lay(corpus, {f"corpus.sqlite3-{log}": "new log" for log in ("wal", "shm", "journal")})
    lay(corpus, {"cache-answer.sqlite3-wal": "new log"})
    lay(vectors, {"chroma.sqlite3-journal": "new log", "c3/data.bin": "since then"})
    turn_back(corpus)
    assert_old(corpus, vectors)


def test_without_vectors_the_index_stays(tmp_path: Path) -> None:
    lay(tmp_path, OLD_CORPUS)
    lay(beside(tmp_path, NEW), NEW_CORPUS)
    begin(tmp_path, None, "c1")
    advance(tmp_path)
    settle(tmp_path)
    assert there(tmp_path) == NEW_CORPUS


def test_a_service_that_starts_finishes_what_lies_in_its_folder(tmp_path: Path) -> None:
    lay(tmp_path, OLD_CORPUS)
    lay(tmp_path / "chroma", OLD_VECTORS)
    lay(beside(tmp_path, NEW), NEW_CORPUS)
    lay(beside(tmp_path / "chroma", NEW), NEW_VECTORS)
    assert finish_at_start(tmp_path) == ""
    begin(tmp_path, tmp_path / "chroma", "c1")
    assert "c1 is used" in finish_at_start(tmp_path)
    assert there(tmp_path / "chroma") == NEW_VECTORS
    assert "c1 is used" in finish_at_start(tmp_path)
    told = json.loads((tmp_path / JOURNAL).read_text())
    (tmp_path / JOURNAL).write_text(json.dumps(told | {"phase": "back"}))
    assert "taken back" in finish_at_start(tmp_path)
    assert there(tmp_path / "chroma") == OLD_VECTORS


def test_a_service_refuses_to_start_on_half_an_exchange_that_it_cannot_finish(tmp_path: Path) -> None:
    corpus, vectors = tmp_path / "data", tmp_path / "elsewhere"
    for folder in (corpus, vectors):
        lay(beside(folder, NEW), {"x": "new"})
    begin(corpus, vectors, "c1")
    with pytest.raises(SwapUnreadable, match="emini-rag checkpoint recover"):
        finish_at_start(corpus)
    advance(corpus)
    assert "c1 is used" in finish_at_start(corpus)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"phase": "sideways"}'])
def test_a_journal_that_is_none_is_refused_and_nothing_moves(tmp_path: Path, text: str) -> None:
    lay(tmp_path, OLD_CORPUS | {JOURNAL: text})
    for act in (advance, turn_back, settle, finish_at_start):
        with pytest.raises(SwapUnreadable, match=r"restore\.json"):
            act(tmp_path)
    assert there(tmp_path) == OLD_CORPUS
