"""One filled data folder, and one checkpoint of it, copied for each test: to make them takes seconds."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.ops.checkpoint.stand import Stand, fill


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("filled") / "data"
    fill(data)
    return data


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory, filled: Path) -> Path:
    """An archive with the checkpoint `first`."""
    stand = Stand(tmp_path_factory.mktemp("kept"), filled)
    stand.create("first", note="as it was", questions=("Sentence",))
    return stand.archive.folder


@pytest.fixture
def empty_handed(tmp_path: Path, filled: Path) -> Iterator[Stand]:
    """A filled data folder without checkpoints."""
    stand = Stand(tmp_path, filled)
    yield stand
    stand.client.__exit__()


@pytest.fixture
def stand(tmp_path: Path, filled: Path, kept: Path) -> Iterator[Stand]:
    """A filled data folder, and its checkpoint `first`."""
    made = Stand(tmp_path, filled)
    shutil.copytree(kept, made.archive.folder)
    yield made
    made.client.__exit__()
