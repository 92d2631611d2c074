"""The key file: refused when others can read it, never half written."""

import fcntl
import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.auth.key_file import KeyFileUnusable, KeyRecord, read_keys, stamp_of, write_keys, writing
from service.auth.principal import Scope
from service.errors import ErrorKind

RECORD = KeyRecord("0a1b2c", "laptop", frozenset({Scope.ASK, Scope.INGEST}), "default", "ab" * 32, 10.0, 20.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def test_what_was_written_comes_back_in_a_file_for_the_owner_alone(path: Path) -> None:
    records = (RECORD, replace(RECORD, id="1", expires_at=None, revoked_at=15.0, last_used_at=14.0))
    write_keys(path, records)
    assert read_keys(path) == records
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["keys.json"]


def test_no_file_is_no_key(path: Path) -> None:
    assert read_keys(path) == ()
    assert stamp_of(path) is None


def test_a_file_in_place_of_its_folder_is_for_others_to_complain_of(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    assert read_keys(tmp_path / "data" / "keys.json") == ()
    assert stamp_of(tmp_path / "data" / "keys.json") is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666, 0o601])
def test_a_file_that_others_can_reach_is_refused_with_what_to_do(path: Path, mode: int) -> None:
    write_keys(path, [RECORD])
    path.chmod(mode)
    with pytest.raises(KeyFileUnusable, match=f"mode {mode:o}.*chmod 600") as caught:
        read_keys(path)
    assert caught.value.kind is ErrorKind.SERVER_ERROR
    assert RECORD.sha256 not in caught.value.detail


def damaged(**changes: object) -> str:
    good = {"id": "1", "name": "n", "scopes": ["ask"], "tenant": "t", "sha256": "ab" * 32, "created_at": 1.0}
    return json.dumps({"version": 1, "keys": [good | changes]})


@pytest.mark.parametrize(
    "content",
    [
        "", "{", "[]", "null", "{}", '{"version": 1}', '{"version": 1, "keys": 5}', '{"version": 1, "keys": [1]}',
        '{"version": 2, "keys": []}', '{"version": 1, "keys": [{}]}', "\xff\xfe",
        damaged(scopes=["all"]), damaged(scopes=3), damaged(sha256="zz"), damaged(sha256="ab"), damaged(sha256=None),
        damaged(id=5), damaged(name=None), damaged(expires_at="soon"), damaged(more="fields"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_refused_with_what_to_do(path: Path, content: str) -> None:
    path.write_bytes(content.encode("latin-1"))
    path.chmod(0o600)
    with pytest.raises(KeyFileUnusable, match="restore it, or move it away"):
        read_keys(path)


@given(st.binary(max_size=80))
def test_no_content_brings_another_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed.json"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileUnusable):
        read_keys(path)


def test_a_folder_in_its_place_is_refused(path: Path) -> None:
    path.mkdir(mode=0o700)
    with pytest.raises(KeyFileUnusable, match=r"cannot be read|can be read by others"):
        read_keys(path)


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.mkdir()
    (path / "something").write_text("")
    with pytest.raises(KeyFileUnusable, match="cannot be written"):
        write_keys(path, [RECORD])
    assert [file.name for file in tmp_path.iterdir()] == ["keys.json"]


def test_a_missing_folder_is_made_when_a_key_is_to_be_written(tmp_path: Path) -> None:
    path = tmp_path / "data" / "keys.json"
    with writing(path):
        write_keys(path, [RECORD])
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert read_keys(path) == (RECORD,)


def test_a_writer_that_never_ends_is_not_waited_for_without_limit(path: Path) -> None:
    descriptor = os.open(path.with_name("keys.json.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with pytest.raises(KeyFileUnusable, match="another process"), writing(path, tries=3):
        pytest.fail("two at once")
    os.close(descriptor)
    with writing(path):
        pass


def test_a_changed_mode_and_a_rewrite_change_the_stamp(path: Path) -> None:
    write_keys(path, [RECORD])
    stamps = [stamp_of(path)]
    write_keys(path, [RECORD])
    stamps.append(stamp_of(path))
    path.chmod(0o400)
    stamps.append(stamp_of(path))
    assert len(set(stamps)) == 3


def test_a_record_does_not_show_its_digest() -> None:
    assert RECORD.sha256 not in repr(RECORD)
