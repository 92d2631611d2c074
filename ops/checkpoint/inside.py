"""What is done to volumes, inside a container that has them: `python -m ops.checkpoint.inside VERB ...`.

The volumes are at /volumes/corpus and /volumes/vectors, the folder of the checkpoint below /checkpoint. Runs as root
without most of its powers, and gives every file it makes to whoever owns the folder around it. Prints one JSON object;
exit status 1 with `failure` in it when it cannot be done.
"""

import json
import os
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ops.checkpoint.files import copy_database, move_tree
from ops.checkpoint.manifest import STORE, Damaged
from ops.checkpoint.store import FolderStore
from service.cli.failures import Failure
from service.errors import ServiceError
from service.store_swap import SwapUnreadable

CORPUS, VECTORS, FURTHER = Path("/volumes/corpus"), Path("/volumes/vectors"), Path("/volumes/further")
CHECKPOINT = Path("/checkpoint")
_MOVES = {"advance": FolderStore.advance, "back": FolderStore.turn_back, "settle": FolderStore.settle}


def main(words: Sequence[str], corpus: Path = CORPUS, vectors: Path = VECTORS, checkpoint: Path = CHECKPOINT) -> int:
    """`alone`: no service may use the volumes meanwhile, and the lock that says so is held."""
    store = FolderStore(corpus, vectors)
    try:
        with store.exclusive() if "alone" in words else nullcontext():
            told = _do([word for word in words if word != "alone"], store, checkpoint)
    except Failure as error:
        return _say({"failure": error.what, "why": error.why, "todo": error.todo}, 1)
    except ServiceError as error:
        return _say({"failure": error.detail}, 1)
    except (SwapUnreadable, Damaged, OSError, sqlite3.Error) as error:
        return _say({"failure": str(error)}, 1)
    finally:
        for folder in (corpus, vectors, *(checkpoint.iterdir() if checkpoint.is_dir() else ())):
            _give(folder)
    return _say(told, 0)


def _do(words: Sequence[str], store: FolderStore, checkpoint: Path) -> Mapping[str, Any]:
    told: Mapping[str, Any] = {}
    done: list[int] = []
    match words:
        case ["look"]:
            told = asdict(store.look())
        case ["copy", half, *caches]:
            store.copy(checkpoint / half / STORE, caches=bool(caches), on_bytes=done.append)
        case ["digests", half, name]:
            store.model_digests(checkpoint / half / name)
        case ["stage", name]:
            store.stage(checkpoint / name, done.append)
        case ["version"]:
            told = {"version": store.version()}
        case ["journal"]:
            journal = store.journal()
            told = {"journal": None if journal is None else asdict(journal)}
        case ["begin", name]:
            store.begin(name)
        case [verb] if verb in _MOVES:
            _MOVES[verb](store)
        case ["fetch", kind, given, half, name]:
            _fetch(kind, FURTHER / given, checkpoint / half / name)
        case _:
            raise Failure(f"This helper does not know {' '.join(words)}")
    return {**told, "bytes": sum(done)}


def _fetch(kind: str, source: Path, target: Path) -> None:
    """Out of a further volume."""
    if kind == "database":
        copy_database(source, target)
    else:
        move_tree(source, target)


def _give(folder: Path) -> None:
    """Everything below that is root's, to the folder's owner, unless that is root too."""
    if not folder.is_dir() or (owner := folder.stat()).st_uid == 0:
        return
    for path in folder.rglob("*"):
        if path.lstat().st_uid == 0:
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _say(told: Mapping[str, Any], status: int) -> int:
    sys.stdout.write(json.dumps(told) + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
