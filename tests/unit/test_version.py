"""The version, from the project file, and the commit that was deployed."""

from pathlib import Path

import pytest

from service.version import read_version

COMMIT = "1a6601db6573" + "0" * 28


def test_the_version_is_that_of_the_project() -> None:
    assert read_version()[0].isdigit()
    assert "unknown" not in read_version()


@pytest.mark.parametrize("text", [None, "", "[project]\nname = 'x'\n", "not toml ["])
def test_without_a_project_file_it_is_unknown(tmp_path: Path, text: str | None) -> None:
    project = tmp_path / "pyproject.toml"
    if text is not None:
        project.write_text(text)
    assert read_version(project=project) == "0+unknown"
    assert read_version(COMMIT, project) == "0+unknown.1a6601db6573"


def test_a_deployed_commit_is_part_of_it() -> None:
    plain = read_version()
    assert read_version(COMMIT) == f"{plain}+1a6601db6573"
    assert read_version(f"{COMMIT}-dirty") == f"{plain}+1a6601db6573.dirty"


@pytest.mark.parametrize("revision", ["", "unknown", "1a6601d", "release 12", f"{COMMIT}-changed", COMMIT.upper()])
def test_what_is_no_commit_adds_nothing(revision: str) -> None:
    assert read_version(revision) == read_version()
