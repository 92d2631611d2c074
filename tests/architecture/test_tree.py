"""The tree that ARCHITECTURE.md draws of `service/` is the tree on the disk.

It is the first code block after the heading "Tree": an entry a line, two spaces deeper than its folder, a folder with a
slash at its end, then at least two spaces and what it holds. Several files may share a line: "features.py, policy.py".
A folder that is drawn with entries shows all of them; one without stands for all it holds. `__init__.py` is not drawn.
"""

import re
from collections.abc import Iterable

import pytest

from tests.architecture.source import ROOT

_DOCUMENT = ROOT / "ARCHITECTURE.md"
_ENTRY = re.compile(r"^(?P<indent> *)(?P<names>[\w.-]+/?(?:, [\w.-]+/?)*)(?:\s{2,}.*)?$")


def drawn(document: str) -> list[str]:
    """The paths of the drawn tree, folders with a slash at their end. Raises ValueError at a line it cannot read."""
    block = re.search(r"^#+ Tree\n.*?^```[^\n]*\n(.*?)^```", document, re.MULTILINE | re.DOTALL)
    if block is None:
        raise ValueError('no code block after a heading "Tree"')
    paths: list[str] = []
    folders: list[str] = []
    for line in filter(str.strip, block[1].splitlines()):
        entry = _ENTRY.match(line)
        if entry is None or len(entry["indent"]) % 2 or len(entry["indent"]) // 2 > len(folders):
            raise ValueError(f"not an entry of the tree: {line!r}")
        del folders[len(entry["indent"]) // 2 :]
        names = entry["names"].split(", ")
        paths += ["".join(folders) + name for name in names]
        if len(names) == 1 and names[0].endswith("/"):
            folders.append(names[0])
    return paths


def differences(drawing: Iterable[str], disk: Iterable[str], top: str) -> list[str]:
    """How the drawing differs from `disk`, a list of files. Only what is below the folder `top` is compared."""
    shown = [path for path in drawing if path.startswith(top)]
    there = {path for path in disk if path.startswith(top)}
    folders = {path[: cut + 1] for path in there for cut, letter in enumerate(path) if letter == "/"}
    closed = [path for path in shown if path.endswith("/") and not _children(path, shown)]
    found = [f"{path} is drawn and does not exist" for path in shown if path not in there | folders]
    found += [f"{path} is drawn twice" for path in sorted({path for path in shown if shown.count(path) > 1})]
    found += [
        f"{path} is not drawn"
        for path in sorted(there)
        if path not in shown and not any(path.startswith(folder) for folder in closed)
    ]
    return found


def _children(folder: str, paths: Iterable[str]) -> list[str]:
    return [path for path in paths if path.startswith(folder) and path != folder]


def _disk() -> list[str]:
    return [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "service").rglob("*")
        if path.is_file() and path.name != "__init__.py" and path.suffix != ".pyc"
    ]


def test_the_drawn_tree_is_the_one_on_the_disk() -> None:
    if not _DOCUMENT.exists():
        pytest.skip("ARCHITECTURE.md is not written yet: this compares its tree with service/")
    found = differences(drawn(_DOCUMENT.read_text(encoding="utf-8")), _disk(), "service/")
    assert not found, "\n".join(found)


SAMPLE = """
# Architecture
## Tree
```text
service/            the package
  errors.py         failures
  ask/              the use case
    pipeline.py, types.py   both
  cache/            answers
docs/
```
"""
DISK = ["service/errors.py", "service/ask/pipeline.py", "service/ask/types.py", "service/cache/key.py"]


def test_a_drawing_is_read() -> None:
    assert drawn(SAMPLE) == [
        "service/",
        "service/errors.py",
        "service/ask/",
        "service/ask/pipeline.py",
        "service/ask/types.py",
        "service/cache/",
        "docs/",
    ]


def test_a_true_drawing_has_no_differences() -> None:
    assert differences(drawn(SAMPLE), DISK, "service/") == []


@pytest.mark.parametrize(
    ("disk", "expected"),
    [
        (DISK[1:], "service/errors.py is drawn and does not exist"),
        (DISK[:-1], "service/cache/ is drawn and does not exist"),
        ([*DISK, "service/ask/laps.py"], "service/ask/laps.py is not drawn"),
        ([*DISK, "service/app.py"], "service/app.py is not drawn"),
        ([*DISK, "service/auth/keys.py"], "service/auth/keys.py is not drawn"),
    ],
)
def test_a_difference_is_found(disk: list[str], expected: str) -> None:
    assert differences(drawn(SAMPLE), disk, "service/") == [expected]


@pytest.mark.parametrize("line", ["   odd.py", "    deep.py", "  two words.py"])
def test_a_line_that_is_no_entry_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="not an entry"):
        drawn(f"## Tree\n```\nservice/\n{line}\n```\n" if line.startswith("   odd") else f"## Tree\n```\n{line}\n```\n")
