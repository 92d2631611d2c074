"""From the options of a command, and the settings, to what it works on. Raises `Failure`."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ops.checkpoint.archive import Archive
from ops.checkpoint.code_state import Repository
from ops.checkpoint.compose_installation import ComposeInstallation
from ops.checkpoint.configuration import described
from ops.checkpoint.creating import Making
from ops.checkpoint.installation import Installation, NativeInstallation
from ops.checkpoint.live_service import LiveService
from ops.checkpoint.screen import Screen
from ops.compose.docker import Docker, Unusable
from ops.compose.files import DEVELOPMENT, PRODUCTION
from ops.rollout.journal import Records
from ops.rollout.pointer import FOLDER
from ops.stack import ports
from ops.stack.site import ROOT, local
from service.cli.client import address_of, connect
from service.cli.failures import USAGE, Failure
from service.cli.surroundings import Surroundings

_PORTS = {PRODUCTION.name: ports.PRODUCTION, DEVELOPMENT.name: ports.DEVELOPMENT}
_FILES = {one.name: one for one in (PRODUCTION, DEVELOPMENT)}


@dataclass(frozen=True)
class Choice:
    """Where it is. `compose` names an installation in Docker, empty for one without; other empty ones mean what the
    settings say."""

    data: Path | None = None
    folder: Path | None = None
    compose: str = ""
    url: str = ""
    key_file: Path | None = None
    chroma_folder: Path | None = None
    stack: Path | None = None
    stop: str = ""
    start: str = ""
    prometheus: str = ""


class Chosen:
    """What a command works with."""

    def __init__(self, here: Surroundings, choice: Choice, docker: Docker | None = None) -> None:
        self._here = here
        self._choice = choice
        if choice.compose and choice.compose not in _FILES:
            raise Failure(f"There is no installation {choice.compose}", f"there are: {', '.join(_FILES)}", code=USAGE)
        self._data = choice.data or here.settings.data_dir
        self.screen = Screen(here.err, here.clock)
        self.archive = Archive(choice.folder or self._usual_folder())
        self.repository = Repository(ROOT)
        project = f"-{_FILES[choice.compose].project}" if choice.compose else ""
        # Of the same installation's deploys, whose lock is one with that of restores.
        self.records = Records((ROOT / "data" if project else self._data) / f"{FOLDER}{project}")
        self._docker = docker or Docker()

    @property
    def environment(self) -> str:
        return self._choice.compose or self._here.settings.environment

    @property
    def prometheus(self) -> str:
        """Where it is, or usually is."""
        usual = _PORTS.get(self.environment, ports.PRODUCTION)
        return self._choice.prometheus or local(usual.prometheus)

    def installation(self) -> Installation:
        choice = self._choice
        if choice.compose:
            try:
                self._docker.check_compose()
                self._docker.info()
            except Unusable as error:
                raise Failure("Docker cannot be used", str(error)) from error
            return ComposeInstallation(self._docker, _FILES[choice.compose])
        embedded = None if self._here.settings.chroma.url else self._data / "chroma"
        return NativeInstallation(
            self._data,
            choice.chroma_folder or embedded,
            stop=choice.stop,
            start=choice.start,
            server=self._here.settings.chroma.url or "" if choice.chroma_folder else "",
            beside=choice.stack,
            pause=self._here.pause,
        )

    @contextmanager
    def making(self, installation: Installation) -> Iterator[Making]:
        """What makes checkpoints of it, with the way to its service."""
        with connect(self._here.settings, self._url(), self._choice.key_file) as client:
            yield Making(
                archive=self.archive,
                installation=installation,
                live=LiveService(client, self._here.clock, self._here.pause),
                repository=self.repository,
                configuration=described(self._here.settings),
                environment=self.environment,
                screen=self.screen,
                clock=self._here.clock,
            )

    def new_name(self, start: str = "") -> str:
        """By the time, so that names sort as they were made."""
        return start + time.strftime("%Y%m%d-%H%M%S", time.gmtime(self._here.clock.time()))

    def _usual_folder(self) -> Path:
        if self._choice.compose:
            return ROOT / "data" / f"checkpoints-{_FILES[self._choice.compose].project}"
        return self._data / "checkpoints"

    def _url(self) -> str:
        if self._choice.compose and not self._choice.url:
            return local(_PORTS[self._choice.compose].service)
        return self._choice.url or address_of(self._here.settings)
