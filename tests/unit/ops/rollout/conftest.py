"""What tests of deploys share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.rollout.journal import Records
from service.cli.client import ServiceClient
from tests.fakes.deployed_service import FakeDeployedService
from tests.unit.cli.conftest import Shell
from tests.unit.ops.rollout.stand import Stand


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture
def records(shell: Shell) -> Records:
    """The folder of deploys of the installation that `shell` works on."""
    made = Records(shell.settings.data_dir / "rollout")
    made.folder.mkdir(parents=True)
    return made


@pytest.fixture
def rollout(tmp_path: Path) -> Iterator[Stand]:
    with FakeDeployedService() as fake, ServiceClient(fake.url, timeout_s=10) as client:
        yield Stand(tmp_path, fake, client)
