"""The version, from the project file."""

from pathlib import Path

import pytest

from service.version import read_version


def test_the_version_is_that_of_the_project() -> None:
    assert read_version()[0].isdigit()
    assert "unknown" not in read_version()


@pytest.mark.parametrize("text", [None, "", "[project]\nname = 'x'\n", "not toml ["])
def test_without_a_project_file_it_is_unknown(tmp_path: Path, text: str | None) -> None:
    project = tmp_path / "pyproject.toml"
    if text is not None:
        project.write_text(text)
    assert read_version(project) == "0+unknown"
