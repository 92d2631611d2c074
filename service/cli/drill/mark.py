"""The mark of a drill on dashboards: the series `emini_rag_drill`, written into Prometheus while the drill runs.

It stands beside the metrics that it explains, for as long as they are kept, and needs neither a way in to the service,
which production would have too, nor a password of Grafana. Prometheus takes it over remote write, which both stacks
switch on for Tempo; where it is off, the drill goes on without a mark.
"""

import threading
from collections.abc import Mapping
from typing import Self

from service.cli.drill.json_api import JsonApi
from service.cli.drill.remote_write import ENDED, PRESENT, write
from service.clock import Clock

NAME = "emini_rag_drill"
_EVERY_S = 10.0


class Mark:
    """Used in `with`. `accepted` says whether Prometheus took it."""

    def __init__(self, prometheus: JsonApi, labels: Mapping[str, str], clock: Clock, every_s: float = _EVERY_S) -> None:
        self.accepted = False
        self._prometheus = prometheus
        self._labels = {"__name__": NAME, **labels}
        self._clock = clock
        self._every_s = every_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="mark", daemon=True)

    def __enter__(self) -> Self:
        self.accepted = self._write(PRESENT)
        if self.accepted:
            self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        if self.accepted:
            self._thread.join(self._every_s)
            self._write(ENDED)

    def _go_on(self) -> None:
        while not self._over.wait(self._every_s):
            self._write(PRESENT)

    def _write(self, value: bytes) -> bool:
        return write(self._prometheus, self._labels, value, self._clock.time())
