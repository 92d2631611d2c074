"""A file is replaced whole, and by one that only those may read who are meant to."""

from pathlib import Path

import pytest

from service.whole_file import write_whole


def test_whoever_has_opened_it_reads_all_of_the_old_one(tmp_path: Path) -> None:
    file = tmp_path / "targets.yml"
    write_whole(file, "old\n" * 3)
    with file.open() as reader:
        write_whole(file, "new, ä")
        assert reader.read() == "old\n" * 3
    assert file.read_text(encoding="utf-8") == "new, ä"
    assert list(tmp_path.iterdir()) == [file]


def test_has_the_mode_that_is_asked_for_whatever_was_there(tmp_path: Path) -> None:
    file, left = tmp_path / "password", tmp_path / ".password.new"
    for path in (file, left):
        path.write_text("half")
        path.chmod(0o644)
    write_whole(file, "secret", 0o600)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text() == "secret"


def test_has_the_usual_mode_else(tmp_path: Path) -> None:
    usual = tmp_path / "usual"
    usual.touch()
    write_whole(tmp_path / "file", "text")
    assert (tmp_path / "file").stat().st_mode == usual.stat().st_mode


def test_the_old_one_stays_when_it_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "targets.yml"
    file.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(file, "new \ud800")
    assert file.read_text() == "old"
