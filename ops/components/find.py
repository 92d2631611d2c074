"""Where the binary of a real component is: RAG_COMPONENTS_DIR, then what `make components` built, then PATH."""

import os
import shutil
from pathlib import Path

from ops.components.recipes import RECIPES, built_folder

_DEBIAN = {
    "valkey-server": "apt-get install valkey-server",
    "redis-server": "apt-get install redis-server",
    "nginx": "apt-get install nginx",
    "docker": "apt-get install docker.io",
}
OTHERS = (*_DEBIAN, "tempo", "grafana")  # used when they are there, and built by nothing here


def find(name: str) -> Path | None:
    """The program `name`, or None. A build counts only when it was made from the manifests as they are now."""
    folders = [Path(given)] if (given := os.environ.get("RAG_COMPONENTS_DIR")) else []
    if name in RECIPES:
        folders.append(built_folder(RECIPES[name]))
    for folder in folders:
        # Absolute, because components are started in a folder of their own.
        candidate = (folder / name).absolute()
        if os.access(candidate, os.X_OK) and candidate.is_file():
            return candidate
    found = shutil.which(name)
    return Path(found).absolute() if found else None


def missing(name: str) -> str:
    """Says that `name` was not found and how to get it."""
    if name in RECIPES:
        advice = f"`make components` builds it (only this one: `.venv/bin/python -m ops.components {name}`)"
    elif name in _DEBIAN:
        advice = f"on Debian: `{_DEBIAN[name]}`"
    else:
        advice = "no package or module registry serves it; put the vendor's binary there"
    return f"no `{name}` in RAG_COMPONENTS_DIR, .components or PATH: {advice}"
