"""Writing the files: all of them, none that is not made any more, and a check that changes nothing."""

from pathlib import Path

import pytest

from dashboards.__main__ import main, render


def test_writes_every_dashboard_and_removes_what_is_no_longer_made(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text("{}")
    assert main([], tmp_path) == 0
    assert {path.stem: path.read_text() for path in tmp_path.iterdir()} == render()


def test_check_names_what_differs_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([], tmp_path)
    (tmp_path / "overview.json").write_text("{}")
    (tmp_path / "old.json").write_text("{}")
    capsys.readouterr()
    assert main(["--check"], tmp_path) == 1
    assert (tmp_path / "overview.json").read_text() == "{}"
    said = capsys.readouterr().out
    assert "overview.json" in said
    assert "old.json" in said
    assert "model.json" not in said


def test_check_is_silent_when_all_is_well(tmp_path: Path) -> None:
    main([], tmp_path)
    assert main(["--check"], tmp_path) == 0
