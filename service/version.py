"""The version, read from the project file: the service runs from its folder and need not be installed."""

import re
import tomllib
from pathlib import Path

_PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"
_COMMIT = re.compile(r"([0-9a-f]{12})[0-9a-f]*(-dirty)?")


def read_version(revision: str = "", project: Path = _PROJECT) -> str:
    """Such as "0.1.0"; "0+unknown" where the project file is not at hand.

    With the commit that it was built or deployed from it is "0.1.0+1a6601db6573", as PEP 440 writes it, so that two
    deploys of one release are told apart. Any other `revision` adds nothing.
    """
    try:
        version = str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        version = "0+unknown"
    commit = _COMMIT.fullmatch(revision)
    if commit is None:
        return version
    return f"{version}{'.' if '+' in version else '+'}{commit[1]}{'.dirty' if commit[2] else ''}"
