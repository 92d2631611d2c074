"""The lock: what it is made with, and that the committed files are of that form."""

import re
import tomllib
from pathlib import Path

import pytest

from ops.setup.environment import LOCKS, ROOT
from ops.setup.lock import commands

_PIN = re.compile(r"^(?P<name>[a-z0-9.-]+)(?:\[[a-z0-9,-]+\])?==", re.IGNORECASE)


def _pins(name: str) -> dict[str, set[str]]:
    """Package -> its pins; more than one where Python versions or systems differ."""
    found: dict[str, set[str]] = {}
    for line in (ROOT / name).read_text().splitlines():
        if pin := _PIN.match(line):
            found.setdefault(pin["name"], set()).add(line.removesuffix("\\").strip())
    return found


def test_no_index_gets_into_the_files() -> None:
    for command in commands(Path("uv")):
        assert {"--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-header"} <= set(command)


def test_tests_run_with_the_versions_that_are_released() -> None:
    _, second = commands(Path("uv"))
    assert second[second.index("--constraints") + 1] == LOCKS["run"]


@pytest.mark.parametrize("name", LOCKS.values())
def test_every_package_is_pinned_by_hash(name: str) -> None:
    text = (ROOT / name).read_text()
    for block in re.split(r"\n(?=\S)", text.strip()):
        assert block.startswith("#") or (_PIN.match(block) and "--hash=sha256:" in block), block.splitlines()[0]
    assert "://" not in text
    assert not re.search(r"^--", text, re.MULTILINE)


def test_the_second_file_holds_the_first() -> None:
    first, second = _pins(LOCKS["run"]), _pins(LOCKS["dev"])
    assert first.items() <= second.items()


@pytest.mark.parametrize("name", LOCKS)
def test_what_the_project_asks_for_is_locked(name: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(project["optional-dependencies"]["dev"] if name == "dev" else [])]
    names = {re.split(r"[\[=<>~ ;]", one)[0].lower() for one in asked}
    assert names <= {pin.lower() for pin in _pins(LOCKS[name])}
