"""Having a copied store opened and asked by another process (`looking.py`), and what it said."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ops.checkpoint.files import copy_tree
from ops.checkpoint.looking import Findings
from ops.checkpoint.manifest import VECTORS
from ops.stack.site import ROOT

LONGEST_S = 900.0
# Begins the name of a clone; whoever next changes the folder clears away what a kill has left.
CLONE = ".look-"


def inspect(corpus: Path, vectors: Path | None, answers: Mapping[str, Any], longest_s: float = LONGEST_S) -> Findings:
    """What was seen of the store that lies in these folders, which is changed by it. A process that dies or hangs is
    one of the problems."""
    with tempfile.TemporaryDirectory(prefix="emini-rag-") as folder:
        given = Path(folder) / "answers.json"
        given.write_text(json.dumps(answers), encoding="utf-8")
        command = [sys.executable, "-m", "ops.checkpoint.looking", str(corpus), str(vectors or "-"), str(given)]
        # What is set for the service, such as where its own store is, is nothing to this one.
        kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(("RAG_", "OTEL_"))}
        try:
            ended = subprocess.run(
                command,
                cwd=folder,
                env=kept | {"PYTHONPATH": str(ROOT)},
                capture_output=True,
                text=True,
                timeout=longest_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Findings(problems=[f"the copy could not be opened and searched within {longest_s:g} s"])
    if ended.returncode < 0:
        return Findings(problems=[f"opening the copy ended the process by {signal.Signals(-ended.returncode).name}"])
    try:
        return Findings(**json.loads(ended.stdout))
    except (ValueError, TypeError):
        said = ended.stderr.strip().splitlines()[-1:] or [f"status {ended.returncode}"]
        return Findings(problems=[f"the copy could not be opened: {said[0]}"])


def inspect_a_clone(store: Path, answers: Mapping[str, Any], beside: Path) -> Findings:
    """The same of a checkpoint's store, which stays as it is: a clone is made in the folder `beside`, and removed."""
    clone = Path(tempfile.mkdtemp(prefix=CLONE, dir=beside))
    try:
        copy_tree(store, clone)
        vectors = clone / VECTORS
        return inspect(clone, vectors if vectors.is_dir() else None, answers)
    finally:
        shutil.rmtree(clone, ignore_errors=True)
