"""The version, read from the project file: the service runs from its folder and need not be installed."""

import tomllib
from pathlib import Path

_PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def read_version(project: Path = _PROJECT) -> str:
    """Such as "0.1.0"; "0+unknown" where the project file is not at hand."""
    try:
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        return "0+unknown"
