"""Commands run as from a shell, but in this process and with what the test puts in place of the world."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ops.stack.process import free_port
from service.cli.main import app
from service.cli.surroundings import Surroundings
from service.services import Services
from service.settings import Settings
from tests.fakes.clock import ManualClock
from tests.fakes.http_service import listening
from tests.fakes.model_store import FakeModelStore
from tests.fakes.services import FakeServices
from tests.fakes.stub_server import Stub


@dataclass(frozen=True)
class Told:
    """What a command printed, and how it ended. `exception` is what it let through."""

    exit_code: int
    stdout: str
    stderr: str
    exception: BaseException | None

    @property
    def output(self) -> str:
        return self.stdout + self.stderr


class Shell:
    """Runs commands. `fakes` is the service in this process, `store` the model server; `changes` of settings apply to
    the next command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fakes = FakeServices()
        self.store = FakeModelStore()
        self.clock = ManualClock()
        self.served = 0
        self.opened = 0
        # A port on which nobody listens.
        self.changes: dict[str, Any] = {"server": {"port": free_port()}, "metrics": {"port": free_port()}}

    @property
    def settings(self) -> Settings:
        folders = {"data_dir": self.folder / "data", "documents_dir": self.folder / "documents"}
        return Settings(**(folders | self.changes))

    def __call__(self, *arguments: str, typed: str | None = None) -> Told:
        here = Surroundings(
            load_settings=lambda: self.settings,
            open_services=self._open,
            open_models=self.store.open,
            serve=self._serve,
            clock=self.clock,
        )
        ended = CliRunner().invoke(app, list(arguments), obj=here, input=typed)
        return Told(ended.exit_code, ended.stdout, ended.stderr, ended.exception)

    async def _open(self, settings: Settings) -> Services:
        self.opened += 1
        return self.fakes.build()

    def _serve(self) -> int:
        self.served += 1
        return 5


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set where the tests run says nothing about them."""
    for name in os.environ:
        if name.upper().startswith(("RAG_", "OTEL_")) or name in {"ENVIRONMENT", "LOG_LEVEL", "COLUMNS"}:
            monkeypatch.delenv(name)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture
def service(shell: Shell) -> Iterator[Callable[[], str]]:
    """The service of `shell.fakes`, listening where the settings say, while the test runs."""
    with listening(shell.fakes) as url:
        shell.changes["server"] = {"port": int(url.rpartition(":")[2])}
        yield lambda: url


@pytest.fixture
def stub() -> Iterator[Stub]:
    """A service, or whatever listens there."""
    with Stub() as server:
        yield server
