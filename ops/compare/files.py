"""Where a comparison is written. Only its owner may read it: it holds questions and answers.

Pairs are written as they are measured, so that they are there whatever becomes of the program.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ops.compare import markdown, page
from ops.compare.document import Document
from ops.compare.measured import Pair
from service.cli.failures import USAGE, Failure

HTML, MARKDOWN, PAIRS, RESULT = "report.html", "report.md", "pairs.jsonl", "result.json"


class Folder:
    """A new folder. Raises `Failure` when there is something in it already."""

    def __init__(self, path: Path) -> None:
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise Failure(f"{path} is there already", "a comparison gets a folder of its own", code=USAGE)
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = path

    def drop(self) -> None:
        """Leave no empty folder behind."""
        with suppress(OSError):
            self.path.rmdir()

    def keep(self, pair: Pair) -> None:
        """Add one pair."""
        self._put(PAIRS, json.dumps(pair.as_object(), ensure_ascii=False) + "\n", os.O_APPEND)

    def write(self, document: Document, result: Mapping[str, Any]) -> None:
        """The reports, and the same for programs."""
        self._put(HTML, page.render(document))
        self._put(MARKDOWN, markdown.render(document))
        self._put(RESULT, json.dumps(result, ensure_ascii=False, indent=2) + "\n")

    def _put(self, name: str, text: str, how: int = os.O_TRUNC) -> None:
        descriptor = os.open(self.path / name, os.O_WRONLY | os.O_CREAT | how, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            # A model can send half a surrogate pair.
            file.write(text.encode("utf-8", "replace"))
