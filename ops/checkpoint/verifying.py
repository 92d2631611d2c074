"""Whether a checkpoint is what was written, and whether it can be used here: every hash, then the copy itself, opened,
searched and asked what it was asked when it was made. Changes nothing."""

import json
from pathlib import Path
from typing import Any

from ops.checkpoint import manifest as m
from ops.checkpoint.files import free_bytes, size_of
from ops.checkpoint.inspection import inspect_a_clone
from ops.checkpoint.looking import Findings
from ops.checkpoint.screen import Screen
from service.cli.failures import Failure
from service.cli.wording import size
from service.corpus.schema import SCHEMA_VERSION

_LEFT_FREE = 32 << 20


def verify(folder: Path, screen: Screen) -> tuple[m.Manifest, Findings]:
    """Raises `Failure` that names every file at fault, or what the copy does not do as it did."""
    manifest = _unchanged(folder, screen)
    _require_known(manifest)
    store = folder / m.STORE
    needed, free = size_of(store) + _LEFT_FREE, free_bytes(folder.parent)
    if free < needed:
        why = f"{size(needed)} are needed in {folder.parent} for a moment, and {size(free)} are free"
        raise Failure("There is not enough space to open a copy of it", why)
    with screen.step("ask", "opening, searching and asking a copy of it"):
        found = inspect_a_clone(store, known_answers(folder), folder.parent)
    if found.problems:
        raise Failure(f"Checkpoint {manifest.name} is not good", found.problems[0], lines=found.problems[1:])
    return manifest, found


def read(folder: Path) -> m.Manifest:
    """Its manifest. Raises `Failure`."""
    try:
        return m.Manifest.read(folder)
    except m.Newer as error:
        todo = "Use the version that made it, or a newer one."
        raise Failure(f"Checkpoint {folder.name} is of a newer emini-rag", str(error), todo=todo) from error
    except m.Damaged as error:
        raise _damaged(folder, error) from error


def known_answers(folder: Path) -> dict[str, Any]:
    """What it was asked when it was made, and what was found."""
    return dict(json.loads((folder / m.ANSWERS).read_bytes()))


def _unchanged(folder: Path, screen: Screen) -> m.Manifest:
    manifest = read(folder)
    with (
        screen.step("hashes", f"comparing every file of {folder.name} with its hash"),
        screen.bar("read", manifest.size) as on_bytes,
    ):
        faults = m.faults(folder, manifest, on_bytes)
    if faults:
        raise _damaged(folder, m.Damaged(*faults))
    return manifest


def _damaged(folder: Path, error: m.Damaged) -> Failure:
    todo = "It is of no use any more: choose another one (`emini-rag checkpoint list`)."
    return Failure(f"Checkpoint {folder.name} is damaged", error.faults[0], lines=error.faults[1:], todo=todo)


def _require_known(manifest: m.Manifest) -> None:
    """An older schema is migrated by the service's own code when the copy is opened, or refused by it then."""
    written = manifest.schema.get("corpus", 0)
    if written > SCHEMA_VERSION:
        why = f"its documents have schema {written}, and this emini-rag knows {SCHEMA_VERSION}"
        todo = f"Use the version that made it: {manifest.tools.get('emini-rag', 'a newer one')}."
        raise Failure(f"Checkpoint {manifest.name} is of a newer emini-rag", why, todo=todo)
