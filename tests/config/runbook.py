"""The runbook, taken apart: pages, and the commands and queries on them."""

import re
from collections.abc import Iterator
from functools import cache

from ops.stack.site import ROOT

FILE = ROOT / "prometheus" / "runbook.md"
PARTS = ("Check", "Do", "Silence", "Fires with it")
# What a reader puts in, and an example of it.
FILLED = {
    "MODEL": "llama3.2:3b",
    "TIER": "simple",
    "DEPENDENCY": "ollama/llama3.2:3b",
    "JOB": "grafana",
    "SIGNAL": "traces",
    "GPU": "0",
}
_PAGE = re.compile(r"^## (\w+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@cache
def text() -> str:
    """All of it."""
    return FILE.read_text(encoding="utf-8")


@cache
def pages() -> dict[str, str]:
    """What stands below each alert's heading; headings of several words are of no alert."""
    return dict(_PAGE.findall(text()))


def part(page: str, name: str) -> str:
    """One of the `PARTS` of a page."""
    following = "|".join(re.escape(f"**{one}**") for one in PARTS)
    found = re.search(rf"^{re.escape(f'**{name}**')}\n(.*?)(?=^(?:{following})$|\Z)", page, re.MULTILINE | re.DOTALL)
    return found[1].strip() if found else ""


def lines(where: str, language: str) -> Iterator[str]:
    """Every line of every block in a language."""
    for found, block in _BLOCK.findall(where):
        if found == language:
            yield from filter(None, block.splitlines())


def inline(where: str) -> Iterator[str]:
    """Code within sentences."""
    yield from re.findall(r"`([^`\n]+)`", _BLOCK.sub("", where))
