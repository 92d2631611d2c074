"""The whole installation as processes of this machine: found, started in order, ended in the opposite one.

Production and development differ in ports, folders and one word. Parts whose program is not found are left out, and
`absent` says what does not work then, and `remedies` how to get them.
"""

import contextlib
import errno
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Self

from ops.components.find import find, missing
from ops.stack import plans, scraping
from ops.stack.lock import FolderInUse, Lock
from ops.stack.part import Part, Plan
from ops.stack.port_holder import holder, is_taken
from ops.stack.ports import Ports
from ops.stack.process import ComponentFailed, answers
from ops.stack.site import ROOT, Site, local

_KEPT = ("PATH", "HOME", "LANG", "TZ")
_REASONS = {
    errno.EACCES: "this user may not write there; give it to them, or name another folder with --data",
    errno.EROFS: "that disk is read-only; name another folder with --data",
    errno.ENOSPC: "the disk is full; make room, or name another folder with --data",
    errno.ENOENT: "is not there; is the checkout complete?",
    errno.ENOTDIR: "is a file where a folder is needed; name another folder with --data",
    errno.EEXIST: "is a file where a folder is needed; name another folder with --data",
}
Say = Callable[[str], None]


class StackFailed(Exception):
    """The installation could not be started, and nothing of it runs. The text says why and what to do."""


class Stack:
    """Used in `with`, it is started and ended. `folder` holds everything, but for the service's `data` when given.

    `find_program` gives the path of a program or None. `without` names parts that are not wanted. `inherited` are the
    variables every part starts with (default: none but the paths), `extra` more for single parts. A RAG_OLLAMA__URL
    there is used as it is; else an Ollama that already answers at the port is used, or one is started.
    """

    def __init__(
        self,
        folder: Path,
        ports: Ports,
        environment: str = "production",
        *,
        data: Path | None = None,
        documents: Path | None = None,
        receivers: Path | None = None,
        without: Collection[str] = (),
        inherited: Mapping[str, str] | None = None,
        extra: Mapping[str, Mapping[str, str]] | None = None,
        scrape_interval: str = "",
        rules: Path | None = None,
        find_program: Callable[[str], Path | None] = find,
        say: Say | None = None,
    ) -> None:
        self.folder = folder.absolute()
        self._say = say or _quiet
        self.absent: dict[str, str] = {}
        self.remedies: dict[str, str] = {}
        self.external: dict[str, str] = {}
        self._lock = Lock(self.folder)
        self.site = Site(
            self.folder,
            ports,
            environment,
            data=(data or self.folder / "service" / "data").absolute(),
            documents=(documents or ROOT / "documents").absolute(),
            receivers=(receivers or self.folder / "alertmanager" / "receivers").absolute(),
            inherited=_paths() if inherited is None else inherited,
            extra=extra or {},
            scrape_interval=scrape_interval,
            rules=rules,
        )
        with _told(self.folder):
            self.site.receivers.mkdir(parents=True, exist_ok=True)
            self.parts = {plan.name: Part(plan) for plan in self._plans(without, find_program)}

    def start(self) -> None:
        """Start every part, each when the one before can be used. Raises `StackFailed`, and then nothing runs."""
        with _told(self.folder):
            self._lock.take()
        try:
            self._require_free_ports()
            with _told(self.folder):
                scraping.prepare(self.site, [part.plan for part in self.parts.values()])
            for part in self.parts.values():
                self._say(f"starting {part.name} ({part.plan.what})")
                with _told(self.folder):
                    part.start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End every part in order, the last started first. An interrupt meanwhile ends the rest at once."""
        try:
            for part in reversed(self.parts.values()):
                if part.running:
                    self._say(f"ending {part.name}")
                part.stop()
        except KeyboardInterrupt:
            self._say("ending the rest at once")
        finally:
            self.kill()

    def kill(self) -> None:
        """End every part at once; one that cannot be ended keeps none of the others."""
        with contextlib.ExitStack() as every:
            every.callback(self._lock.release)
            for part in self.parts.values():
                every.callback(part.kill)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def _plans(self, without: Collection[str], find_program: Callable[[str], Path | None]) -> list[Plan]:
        programs = {}
        for name, effect in plans.WITHOUT.items():
            program = None if name in without else find_program(name)
            if program is not None:
                programs[name] = program
            else:
                self.absent[name] = effect
                self.remedies[name] = "left out as asked" if name in without else missing(name)
        if self._has_model_server():
            programs.pop("ollama", None)
            self.absent.pop("ollama", None)
        has_tempo = "tempo" in programs or "TEMPO_OTLP_URL" in self.site.extra.get("otelcol", {})
        made = [make(self.site, programs[name]) for name, make in plans.FOUND.items() if name in programs]
        if (program := programs.get("otelcol")) is not None:
            made.append(plans.collector(self.site, program, has_tempo=has_tempo))
        return [*made, plans.service(self.site, beside=programs)]

    def _has_model_server(self) -> bool:
        running = local(self.site.ports.ollama)
        if self.site.named_model_server:
            self.external["ollama"] = self.site.named_model_server
        elif answers(f"{running}/api/version"):
            self.external["ollama"] = running
        return bool(self.external)

    def _require_free_ports(self) -> None:
        taken = [
            f"port {port}, which {part.name} needs, is taken by {holder(port)}"
            for part in self.parts.values()
            for port in part.plan.ports
            if is_taken(port)
        ]
        if taken:
            raise StackFailed("\n".join([*taken, "End what holds them; nothing was started."]))


def _quiet(line: str) -> None:
    """Tests do not look at progress."""
    del line


def _paths() -> dict[str, str]:
    return {name: os.environ[name] for name in _KEPT if name in os.environ}


@contextlib.contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Turn what the system or a part refuses into words for the one who started it."""
    try:
        yield
    except (FolderInUse, ComponentFailed) as error:
        raise StackFailed(str(error)) from error
    except OSError as error:
        where = Path(error.filename or folder)
        reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
        if error.errno == errno.ENOENT and not where.is_relative_to(ROOT):
            reason = "cannot be made there; name another folder with --data"
        if error.errno == errno.ENOTDIR:
            where = next((above for above in where.parents if above.is_file()), where)
        raise StackFailed(f"{where}: {reason}") from error
