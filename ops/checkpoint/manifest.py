"""What a checkpoint is: one JSON file says what it holds, with the size and SHA-256 of every file and its own hash.

Whoever can write to the folder can also write a new hash: it shows damage and mistakes, not an attacker.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from ops.checkpoint.files import FileRecord, OnBytes, listing, nobody, record

NAME = "manifest.json"
# Of this description. A higher one is refused before anything is touched.
FORMAT = 1
# Parts of a checkpoint.
STORE, VECTORS = "store", "chroma"
CORPUS = f"{STORE}/corpus.sqlite3"
ANSWERS, CONFIGURATION, PATCH, SLOW, IMAGES = (
    "known-answers.json",
    "configuration.json",
    "code.patch",
    "slow.json",
    "images.tar",
)
PROMETHEUS, GRAFANA = "prometheus", "grafana.db"


class Damaged(Exception):
    """A checkpoint is not what was written. `faults` name each file and what is wrong with it."""

    def __init__(self, *faults: str) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class Newer(Damaged):
    """A checkpoint is of a newer emini-rag, and may be good."""


@dataclass(frozen=True)
class Manifest:
    """Times in Unix seconds, durations in seconds, sizes in bytes. `code` is of git, None where there is none; `corpus`
    what the copy holds, by the one who opened it; `models` their digests by name."""

    name: str
    created_at: float
    environment: str
    installation: str
    note: str = ""
    code: dict[str, Any] | None = None
    tools: dict[str, str] = field(default_factory=dict)
    schema: dict[str, int] = field(default_factory=dict)
    corpus: dict[str, Any] = field(default_factory=dict)
    models: dict[str, str] = field(default_factory=dict)
    images: list[dict[str, str]] = field(default_factory=list)
    cache: str = ""
    left_out: list[str] = field(default_factory=list)
    durations_s: dict[str, float] = field(default_factory=dict)
    files: dict[str, FileRecord] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def size(self) -> int:
        """Bytes of all files but the manifest itself."""
        return sum(one.size for one in self.files.values())

    def as_object(self) -> dict[str, Any]:
        """As it is written, its own hash included."""
        told = asdict(self)
        return told | {"sha256": _own_hash(told)}

    def text(self) -> str:
        """For the file."""
        return json.dumps(self.as_object(), ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Raises `Damaged`: unreadable, changed, of another checkpoint, or of a newer form."""
        try:
            told = json.loads((folder / NAME).read_bytes())
            own = told.pop("sha256")
            if int(told["format"]) > FORMAT:
                raise Newer(f"it is of form {told['format']}, and this emini-rag knows {FORMAT}{_maker(told)}")
            if own != _own_hash(told):
                raise Damaged(f"{NAME}: was changed after it was written")
            told["files"] = {name: FileRecord(**one) for name, one in told["files"].items()}
            known = {one.name for one in fields(cls)}
            made = cls(**{name: value for name, value in told.items() if name in known})
        except FileNotFoundError:
            raise Damaged(f"{NAME}: is missing") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Damaged(f"{NAME}: cannot be read ({type(error).__name__})") from error
        if made.name != folder.name:
            raise Damaged(f"{NAME}: is that of checkpoint {made.name}")
        return made


def records(folder: Path, on_bytes: OnBytes = nobody) -> dict[str, FileRecord]:
    """Of every file below but the manifest."""
    found = ((path.relative_to(folder).as_posix(), path) for path in listing(folder))
    return {name: record(path, on_bytes) for name, path in found if name != NAME}


def faults(folder: Path, manifest: Manifest, on_bytes: OnBytes | None = nobody) -> list[str]:
    """Every file that is not as the manifest says. Without `on_bytes` only sizes are looked at, which is quick."""
    there = {path.relative_to(folder).as_posix(): path for path in listing(folder)}
    there.pop(NAME, None)
    return [
        *(f"{name}: is not in the manifest" for name in sorted(there.keys() - manifest.files.keys())),
        *_differing(there, manifest.files, on_bytes),
    ]


def _differing(there: Mapping[str, Path], written: Mapping[str, FileRecord], on_bytes: OnBytes | None) -> Iterable[str]:
    for name, expected in written.items():
        path = there.get(name)
        if path is None:
            yield f"{name}: is missing"
        elif (size := path.stat().st_size) != expected.size:
            yield f"{name}: has {size:,} bytes, and had {expected.size:,}"
        elif on_bytes is not None and record(path, on_bytes) != expected:
            yield f"{name}: its content was changed"


def _maker(told: Mapping[str, Any]) -> str:
    tools = told.get("tools")
    return f"; it was made by {tools['emini-rag']}" if isinstance(tools, dict) and "emini-rag" in tools else ""


def _own_hash(told: Mapping[str, Any]) -> str:
    """Over what a reader gets out of the JSON, whatever its layout."""
    plain = json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(plain.encode()).hexdigest()
