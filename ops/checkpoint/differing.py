"""What differs between two checkpoints: code, tools, settings, models, documents."""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ops.checkpoint import manifest as m
from ops.checkpoint.code_state import Repository

_DOCUMENTS = "SELECT id, source FROM documents WHERE state = 'ready'"


@dataclass(frozen=True)
class Difference:
    """`commits` lead from the old one to the new one. `changed` maps a thing to its values before and after; None =
    it is not there. `added` and `removed` name documents."""

    commits: list[str]
    changed: dict[str, tuple[Any, Any]]
    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return not (self.commits or self.changed or self.added or self.removed or self.replaced)


def differences(old: Path, new: Path, repository: Repository) -> Difference:
    """Raises `manifest.Damaged`, `sqlite3.Error`."""
    first, second = m.Manifest.read(old), m.Manifest.read(new)
    before, after = _documents(old / m.CORPUS), _documents(new / m.CORPUS)
    commits = [str((one.code or {}).get("commit", "")) for one in (first, second)]
    return Difference(
        commits=repository.between(*commits) if all(commits) else [],
        changed=_changed(_facts(old, first), _facts(new, second)),
        added=sorted(after.keys() - before.keys()),
        removed=sorted(before.keys() - after.keys()),
        replaced=sorted(name for name in before.keys() & after.keys() if before[name] != after[name]),
    )


def _facts(folder: Path, manifest: m.Manifest) -> dict[str, Any]:
    code = manifest.code or {}
    told: dict[str, Any] = {"commit": code.get("commit"), "files differ from it": code.get("dirty")}
    told |= {f"tool {name}": value for name, value in manifest.tools.items()}
    told |= {f"schema {name}": value for name, value in manifest.schema.items()}
    told |= {f"model {name}": value for name, value in manifest.models.items()}
    told |= {f"image {one['service']}": one["id"] or one["image"] for one in manifest.images}
    told |= {name: manifest.corpus.get(name) for name in ("documents", "chunks", "embedder", "vectors")}
    try:
        described = json.loads((folder / m.CONFIGURATION).read_bytes())
    except (OSError, ValueError):
        return told
    return told | {f"setting {name}": value for name, value in described.get("settings", {}).items()}


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    names = dict.fromkeys((*before, *after))
    return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}


def _documents(corpus: Path) -> dict[str, set[str]]:
    """Ids by name: folders and uploads may give the same name."""
    found: dict[str, set[str]] = {}
    with closing(sqlite3.connect(f"{corpus.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as db:
        for identity, source in db.execute(_DOCUMENTS):
            found.setdefault(source, set()).add(identity)
    return found
