"""A real Alertmanager with the shipped configuration, to post alerts to."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ops.stack import plans
from ops.stack.part import Part
from ops.stack.ports import Ports
from ops.stack.site import Site
from tests.components.alertmanager_api import AlertmanagerApi
from tests.components.fixtures import require


@contextmanager
def running(folder: Path) -> Iterator[AlertmanagerApi]:
    """Keeps everything in `folder`."""
    (folder / "receivers").mkdir()
    site = Site(folder, Ports.free(), "production", folder, folder, folder / "receivers", {})
    with Part(plans.alertmanager(site, require("alertmanager"))) as part:
        yield AlertmanagerApi(part.url)
