"""The snapshot in a checkpoint is one that a real Prometheus makes, and starts on."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from ops.checkpoint.creating import Wish
from ops.checkpoint.installation import NativeInstallation
from ops.checkpoint.manifest import PROMETHEUS
from ops.stack import plans, scraping
from ops.stack.part import Part
from ops.stack.ports import Ports
from ops.stack.site import Site
from tests.components.fixtures import require
from tests.components.prometheus_api import PrometheusApi
from tests.unit.ops.checkpoint.stand import Stand, fill

pytestmark = pytest.mark.real


def prepared(folder: Path, told: Mapping[str, str]) -> Part:
    """As the native stack runs it: one that scrapes itself and nothing else."""
    receivers = folder / "receivers"
    receivers.mkdir(parents=True)
    site = Site(folder, Ports.free(), "production", folder, folder, receivers, told, scrape_interval="1s")
    plan = plans.prometheus(site, require("prometheus"))
    scraping.prepare(site, [plan])
    return Part(plan)


def test_what_was_seen_then_is_seen_again(tmp_path: Path) -> None:
    (tmp_path / "stand").mkdir()
    stand = Stand(tmp_path / "stand")
    fill(stand.data, 2)
    stack = tmp_path / "stack"
    installation = NativeInstallation(stand.data, stand.data / "chroma", beside=stack)
    with prepared(stack, {"PROMETHEUS_ADMIN_API": "--web.enable-admin-api"}) as running, stand.archive.changing():
        (seen,) = PrometheusApi(running.url).until('up{job="prometheus"} == 1', timeout_s=60)
        stand.making(installation).create(Wish("first", prometheus=running.url))
    stand.client.__exit__()
    assert list((stack / "prometheus" / "data" / "snapshots").iterdir()) == []
    again = prepared(tmp_path / "again", {})
    shutil.copytree(stand.path() / PROMETHEUS, tmp_path / "again" / "prometheus" / "data", dirs_exist_ok=True)
    with again as running:
        # It listens on another port, so that its own samples are of another instance.
        (series,) = PrometheusApi(running.url).samples(f'up{{instance="{seen.labels["instance"]}"}}[1h]')
        assert "1" in {value for _, value in series}
