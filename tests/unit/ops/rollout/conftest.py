"""What tests of deploys share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.cli.client import ServiceClient
from tests.fakes.deployed_service import FakeDeployedService
from tests.unit.ops.rollout.stand import Stand


@pytest.fixture
def rollout(tmp_path: Path) -> Iterator[Stand]:
    with FakeDeployedService() as fake, ServiceClient(fake.url, timeout_s=10) as client:
        yield Stand(tmp_path, fake, client)
