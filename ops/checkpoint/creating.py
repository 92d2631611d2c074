"""Making a checkpoint: writers held out only while the documents are copied; everything else before and after.

The copy is opened, searched and asked by another process before it counts as one.
"""

import json
import platform
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

from ops.checkpoint import manifest as m
from ops.checkpoint.archive import Archive, checked
from ops.checkpoint.code_state import CodeState, Repository
from ops.checkpoint.files import free_bytes, size_of, write
from ops.checkpoint.inspection import inspect, inspect_a_clone
from ops.checkpoint.installation import Installation
from ops.checkpoint.live_service import Held, LiveService
from ops.checkpoint.looking import TOP_K, Findings
from ops.checkpoint.screen import Screen
from ops.checkpoint.store import Look, schema_of
from service.cli.drill.json_api import JsonApi
from service.cli.failures import USAGE, Failure, Unreachable
from service.cli.wording import count, seconds, size
from service.clock import Clock
from service.corpus.schema import SCHEMA_VERSION
from service.version import read_version

_SNAPSHOT_S = 120.0
_DRAIN_S = 60.0
_LEFT_FREE = 64 << 20
_CACHE_LEFT = "not copied: its keys hold the version of the documents, so that what is kept now stays true"
_DIGESTS = "models.json"


@dataclass(frozen=True)
class Wish:
    """What is wanted of a new checkpoint. `hold_s` bounds how long writers are kept out; `questions` are asked by words
    alone, besides those made from the documents."""

    name: str
    note: str = ""
    hold_s: float = 120.0
    questions: Sequence[str] = ()
    floor: float = 0.3
    caches: bool = False
    images: bool = False
    prometheus: str = ""
    grafana: bool = False
    tag: bool = True
    clean: bool = False


@dataclass
class Making:
    """What making one takes. `live` is the service where one runs; `configuration` is described already."""

    archive: Archive
    installation: Installation
    live: LiveService
    repository: Repository
    configuration: Mapping[str, Any]
    environment: str
    screen: Screen
    clock: Clock
    left_out: list[str] = field(default_factory=list)

    def create(self, wish: Wish, *, alone: bool = False) -> m.Manifest:
        """Make it, within the archive's lock. `alone`: the caller keeps every service away already. Raises `Failure`,
        and then there is none."""
        began = self.clock.monotonic()
        self.screen.durations.clear()
        self.left_out.clear()
        checked(wish.name)
        code = self._code(wish)
        serving = not alone and self.installation.serving()
        look = self.installation.store.look()
        if not look.identity:
            raise Failure(f"There are no documents in the {self.installation.label}", todo="There is nothing to keep.")
        self._require_space(look)
        # What is refused is refused before it has cost anything.
        self.installation.require_parts(images=wish.images, prometheus=bool(wish.prometheus), grafana=wish.grafana)
        if wish.prometheus:
            _require_snapshots(wish.prometheus)
        with self.archive.making(wish.name) as half:
            with nullcontext() if alone else self._quiet(look, wish, serving=serving) as held:
                self._copy(half, look, wish)
            self._after_copy(half, held)
            found = self._look_at(half, wish)
            self._add_parts(half, wish, code, serving=serving)
            models = _models(half)
            with (
                self.screen.step("hash", "hashing every file"),
                self.screen.bar("hashed", size_of(half)) as on_bytes,
            ):
                files = m.records(half, on_bytes)
            if held is not None:
                self.screen.durations |= {"drain": held.drained_s, "pause": held.paused_s}
            self.screen.durations["total"] = self.clock.monotonic() - began
            made = m.Manifest(
                name=wish.name,
                created_at=self.clock.time(),
                environment=self.environment,
                installation=self.installation.label,
                note=wish.note,
                code=None if code is None else code.as_object(),
                tools=_tools(),
                schema={"checkpoint": m.FORMAT, "corpus": schema_of(half / m.CORPUS)},
                corpus=_told(found),
                models=models,
                images=self.installation.images(),
                cache="copied" if wish.caches else _CACHE_LEFT,
                left_out=list(self.left_out),
                durations_s={name: round(value, 3) for name, value in self.screen.durations.items()},
                files=files,
            )
            write(half / m.NAME, made.text())
        if code is not None and wish.tag and (fault := self.repository.tag(wish.name, code.commit)):
            self.screen.say(f"{fault}; the checkpoint names its commit all the same")
        return made

    def _code(self, wish: Wish) -> CodeState | None:
        code = self.repository.state()
        if code is not None and code.dirty and wish.clean:
            todo = "Commit them, or leave --clean out: then they are recorded."
            raise Failure("Files differ from the commit", count(len(code.changed), "file"), todo=todo)
        if code is not None and code.dirty:
            changed = count(len(code.changed), "file")
            self.screen.say(f"{changed} differ from commit {code.commit[:12]}: recorded, nothing is committed")
        return code

    def _require_space(self, look: Look) -> None:
        needed, free = look.size + _LEFT_FREE, free_bytes(self.archive.folder)
        if free < needed:
            why = f"{size(needed)} are needed in {self.archive.folder}, and {size(free)} are free"
            raise Failure("There is not enough space for a checkpoint", why, todo="`emini-rag checkpoint prune` helps.")

    def _copy(self, half: Path, look: Look, wish: Wish) -> None:
        """The documents, while nobody writes them."""
        try:
            with (
                self.screen.step("copy", "copying the documents"),
                self.screen.bar("copied", look.size) as on_bytes,
            ):
                self.installation.store.copy(half / m.STORE, caches=wish.caches, on_bytes=on_bytes)
        except sqlite3.Error as error:
            raise Failure("The documents could not be copied", str(error)) from error

    def _after_copy(self, half: Path, held: Held | None) -> None:
        self.installation.store.model_digests(half / _DIGESTS)
        if held is not None:
            self.screen.say(f"  writers were kept out for {seconds(held.paused_s)}; questions went on")
        if not (half / m.STORE / m.VECTORS).is_dir():
            self.left_out.append("vectors: there are none, or they are on a server whose folder is not known here")

    @contextmanager
    def _quiet(self, look: Look, wish: Wish, *, serving: bool) -> Iterator[Held | None]:
        if not serving:
            with self.installation.store.exclusive():
                yield None
            return
        try:
            with self.live.held(_DRAIN_S, wish.hold_s) as held:
                self.require_same(held, look)
                yield held
        except Unreachable as error:
            todo = "If that is a service, name its address with --url; if it just starts, wait until it is ready."
            raise Failure(f"{error.what}, and the {self.installation.label} is in use", error.why, todo=todo) from error

    def require_same(self, held: Held, look: Look) -> None:
        """Raises `Failure` when the service that was asked is not that of the installation."""
        if held.store != look.identity:
            why = f"the service at {self.live.url} has other documents than the {self.installation.label}"
            raise Failure("The wrong service was asked", why, todo="Name the right one with --url.", code=USAGE)

    def _look_at(self, half: Path, wish: Wish) -> Findings:
        with self.screen.step("check", "opening, searching and asking the copy"):
            vectors = half / m.STORE / m.VECTORS
            asked = {"wanted": list(wish.questions), "floor": wish.floor}
            if schema_of(half / m.CORPUS) != SCHEMA_VERSION:
                # Opening would bring it to the newest schema, and an older version has to be able to read it.
                found = inspect_a_clone(half / m.STORE, asked, self.archive.folder)
            else:
                found = inspect(half / m.STORE, vectors if vectors.is_dir() else None, asked)
        if found.problems:
            raise Failure(
                "The copy is not good, so there is no checkpoint", found.problems[0], lines=found.problems[1:]
            )
        answers = {"top_k": TOP_K, "floor": wish.floor, "questions": found.questions}
        write(half / m.ANSWERS, json.dumps(answers, ensure_ascii=False) + "\n")
        return found

    def _add_parts(self, half: Path, wish: Wish, code: CodeState | None, *, serving: bool) -> None:
        described = dict(self.configuration) | self.installation.configuration()
        write(half / m.CONFIGURATION, json.dumps(described, ensure_ascii=False, indent=1, default=str) + "\n")
        if code is not None and code.dirty and (patch := self.repository.patch()):
            write(half / m.PATCH, patch)
        if serving:
            self._add_slow_log(half)
        if wish.images:
            with self.screen.step("images", "saving the images"):
                self.installation.save_images(half / m.IMAGES)
        if wish.prometheus:
            with self.screen.step("prometheus", "taking a snapshot of Prometheus"):
                self.installation.copy_snapshot(_snapshot(wish.prometheus), half / m.PROMETHEUS)
        if wish.grafana:
            with self.screen.step("grafana", "copying Grafana's database"):
                self.installation.copy_grafana(half / m.GRAFANA)

    def _add_slow_log(self, half: Path) -> None:
        try:
            slow = self.live.slow()
        except Failure as error:
            # The documents are copied by now, and are what matters.
            self.left_out.append(f"slow log: {error.what}")
            return
        if slow:
            write(half / m.SLOW, json.dumps(slow, ensure_ascii=False, indent=1) + "\n")


def _prometheus(url: str) -> JsonApi:
    return JsonApi("Prometheus", url, "Name its address with --prometheus.", _SNAPSHOT_S)


def _require_snapshots(url: str) -> None:
    """Raises `Failure`, with what to do where Prometheus may not make one."""
    flags = _prometheus(url).get("/api/v1/status/flags")
    if flags["data"].get("web.enable-admin-api") == "false":
        why = "its admin interface is off, for it could delete data too"
        todo = (
            "For as long as you need it, start Prometheus with PROMETHEUS_ADMIN_API=--web.enable-admin-api before "
            "`make stack`, `make up` or `docker compose up`; a Prometheus of your own with that flag."
        )
        raise Failure(f"Prometheus at {url} makes no snapshots", why, todo=todo)


def _snapshot(url: str) -> str:
    """The name of a new one. Raises `Failure`."""
    return str(_prometheus(url).call("POST", "/api/v1/admin/tsdb/snapshot")["data"]["name"])


def _models(half: Path) -> dict[str, str]:
    """The digests that the service last saw."""
    path = half / _DIGESTS
    try:
        told = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return {str(name): str(digest) for name, digest in told.items()} if isinstance(told, dict) else {}


def _told(found: Findings) -> dict[str, Any]:
    told = asdict(replace(found, questions=[]))
    del told["questions"], told["problems"]
    return told | {"known_answers": len(found.questions)}


def _tools() -> dict[str, str]:
    return {
        "emini-rag": read_version(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "chromadb": package_version("chromadb"),
    }
