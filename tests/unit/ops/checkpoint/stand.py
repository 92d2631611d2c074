"""A data folder as a service leaves it, with real SQLite and real embedded Chroma, and what makes checkpoints of it."""

import asyncio
import io
import shutil
from pathlib import Path

from rich.console import Console

from ops.checkpoint.archive import Archive
from ops.checkpoint.code_state import Repository
from ops.checkpoint.creating import Making, Wish
from ops.checkpoint.installation import Installation, NativeInstallation
from ops.checkpoint.live_service import LiveService
from ops.checkpoint.manifest import Manifest
from ops.checkpoint.screen import Screen
from ops.stack.process import free_port
from service.cli.client import ServiceClient
from service.clock import SystemClock
from service.data_folder import DataFolder
from tests.faults.ingesting import content, open_corpus

DOCUMENTS = 12


def fill(data: Path, documents: int = DOCUMENTS, edition: int = 1) -> None:
    """Write documents with their vectors, and close in order."""

    async def add() -> None:
        corpus, index, _ = open_corpus(data)
        await corpus.repair()
        for number in range(documents):
            await corpus.add(f"doc{number}.md", content(f"doc{number}.md", edition))
        await corpus.close()
        await index.close()

    with DataFolder(data):
        asyncio.run(add())


def sources(data: Path) -> set[str]:
    """Names of the documents of a folder that nobody uses."""

    async def read() -> set[str]:
        corpus, index, _ = open_corpus(data)
        found = {one.source for one in corpus.documents()}
        await corpus.close()
        await index.close()
        return found

    return asyncio.run(read())


class Stand:
    """One installation in `folder`: its `data`, its `archive`. No service runs unless the test starts one."""

    def __init__(self, folder: Path, filled: Path | None = None, url: str = "") -> None:
        self.folder = folder
        self.data = folder / "data"
        if filled is not None:
            shutil.copytree(filled, self.data)
        self.archive = Archive(folder / "checkpoints")
        self.said = io.StringIO()
        self.repository = folder / "repository"
        self.repository.mkdir()
        self.client = ServiceClient(url or f"http://127.0.0.1:{free_port()}", timeout_s=10.0)

    def native(self, stop: str = "", start: str = "") -> NativeInstallation:
        return NativeInstallation(self.data, self.data / "chroma", stop=stop, start=start)

    def making(self, installation: Installation | None = None) -> Making:
        clock = SystemClock()
        return Making(
            archive=self.archive,
            installation=installation or self.native(),
            live=LiveService(self.client, clock),
            repository=Repository(self.repository),
            configuration={"settings": {"retrieval.top_k": 5}},
            environment="development",
            screen=Screen(Console(file=self.said, width=200), clock),
            clock=clock,
        )

    def create(self, name: str = "first", **wish: object) -> Manifest:
        with self.archive.changing():
            return self.making().create(Wish(name, **wish))  # type: ignore[arg-type]

    def path(self, name: str = "first") -> Path:
        return self.archive.folder / name
