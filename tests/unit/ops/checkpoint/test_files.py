"""Copies are the same bytes, and databases are whole also while they are written."""

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ops.checkpoint.files import (
    copy,
    copy_database,
    copy_tree,
    free_bytes,
    listing,
    move_tree,
    record,
    size_of,
    sync_tree,
    write,
)


def test_a_copy_is_the_same_and_for_its_owner_alone(tmp_path: Path) -> None:
    content = bytes(range(256)) * 70_000
    (tmp_path / "a").write_bytes(content)
    told: list[int] = []
    copy(tmp_path / "a", tmp_path / "b", told.append)
    assert (tmp_path / "b").read_bytes() == content
    assert sum(told) == len(content)
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        copy(tmp_path / "a", tmp_path / "b")


def test_an_empty_file_is_copied_too(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    copy(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b""


def test_a_database_is_copied_with_what_its_log_holds(tmp_path: Path) -> None:
    told: list[int] = []
    with closing(sqlite3.connect(tmp_path / "a.sqlite3", isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE t (n, text)")
        db.execute("BEGIN")
        db.executemany("INSERT INTO t VALUES (?, ?)", ((n, "x" * 500) for n in range(2000)))
        db.execute("COMMIT")
        assert (tmp_path / "a.sqlite3-wal").stat().st_size > 0
        copy_database(tmp_path / "a.sqlite3", tmp_path / "b.sqlite3", told.append)
    with closing(sqlite3.connect(tmp_path / "b.sqlite3")) as made:
        assert made.execute("SELECT count(*) FROM t").fetchone() == (2000,)
        assert made.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert sum(told) == (tmp_path / "b.sqlite3").stat().st_size


def test_a_database_that_is_written_all_the_time_is_copied_as_it_was(tmp_path: Path) -> None:
    """Grafana's is: a backup that began again with every change would never end."""
    with closing(sqlite3.connect(tmp_path / "a.sqlite3", isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE t (n, text)")
        for n in range(20):
            db.execute("INSERT INTO t VALUES (?, ?)", (n, "x" * (1 << 20)))
        told: list[int] = []

        def write_more(done: int) -> None:
            told.append(done)
            db.execute("INSERT INTO t VALUES (?, 'more')", (len(told),))

        copy_database(tmp_path / "a.sqlite3", tmp_path / "b.sqlite3", write_more)
        assert len(told) > 1
    with closing(sqlite3.connect(tmp_path / "b.sqlite3")) as made:
        assert made.execute("SELECT count(*) FROM t").fetchone() == (20,)
    assert sum(told) == (tmp_path / "b.sqlite3").stat().st_size


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 5000)
    with pytest.raises(sqlite3.DatabaseError):
        copy_database(tmp_path / "a", tmp_path / "b")


def test_trees(tmp_path: Path) -> None:
    for name in ("a/b/c", "left/out", "d"):
        (tmp_path / "given" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "given" / name).write_text(name)
    copy_tree(tmp_path / "given", tmp_path / "made", leave_out=("left",))
    assert {path.relative_to(tmp_path / "made").as_posix() for path in listing(tmp_path / "made")} == {"a/b/c", "d"}
    with pytest.raises(FileExistsError):
        move_tree(tmp_path / "given", tmp_path / "made")
    assert not (tmp_path / "given").exists()


def test_records_listings_and_sizes(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    write(tmp_path / "below" / "a", "text")
    write(tmp_path / "b", b"more")
    (tmp_path / "link").symlink_to(tmp_path / "b")
    assert [path.name for path in listing(tmp_path)] == ["b", "a"]
    assert record(tmp_path / "b").sha256 == hashlib.sha256(b"more").hexdigest()
    assert (record(tmp_path / "b").size, size_of(tmp_path / "below"), size_of(tmp_path / "none")) == (4, 4, 0)
    sync_tree(tmp_path / "below")
    assert free_bytes(tmp_path / "not" / "yet") > 0
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o600
