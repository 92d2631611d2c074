"""Processes of a measurement: the service, what it talks to, and the load, each on its own; and what they used.

CPU seconds are those of the whole process, threads included, as the kernel counts them; ended children are not in it.
"""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.stack.process import DIRECT, Process, free_port
from tests.components.service import ROOT

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_START_S = 30.0
_ALONE_S = 300.0
# Spans leave often, so that a round's own export falls into the round.
EXPORT_OFTEN = {"OTEL_BSP_SCHEDULE_DELAY": "500"}
EXPORTED_S = 0.8


def cpu_s(pid: int) -> float:
    """User and system time so far."""
    # The command's name may hold spaces and brackets; what follows it does not.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_S


def resident_mb(pid: int) -> tuple[float, float]:
    """Resident memory now and at its highest, in MB of 10^6 bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    found = {line.partition(":")[0]: line.split() for line in lines}
    return int(found["VmRSS"][1]) * 1024 / 1e6, int(found["VmHWM"][1]) * 1024 / 1e6


@dataclass(frozen=True, slots=True)
class Helper:
    """A process of this folder that answers on `url`."""

    url: str
    pid: int

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def control(self, path: str, body: Any = None) -> Any:
        """Call one of its control paths, given and answering JSON."""
        request = urllib.request.Request(f"{self.url}{path}", json.dumps(body).encode(), method="POST")
        with DIRECT.open(request, timeout=60) as reply:
            content = reply.read()
        return json.loads(content) if content else None


@contextmanager
def helper(
    module: str, folder: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> Iterator[Helper]:
    """`python -m tests.bench.<module> PORT ...`, ready when its port answers."""
    port = free_port()
    known = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", f"tests.bench.{module}", str(port), *arguments]
    process = Process(command, {**known, **(environment or {})}, folder, folder / f"{module}-{port}.log")
    process.start(lambda: _listens(port), _START_S)
    try:
        yield Helper(f"http://127.0.0.1:{port}", process.pid)
    finally:
        process.stop()


def run_alone(module: str, **wish: Any) -> dict[str, Any]:
    """`python -m tests.bench.<module>`: a part of a measurement that needs a process to itself. JSON in, JSON out."""
    done = subprocess.run(
        [sys.executable, "-m", f"tests.bench.{module}"],
        input=json.dumps(wish),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **EXPORT_OFTEN},
        timeout=_ALONE_S,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{module} failed: {done.stderr[-2000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def settle(seconds: float) -> None:
    """Let work that was put off (exports, background tasks) happen now."""
    time.sleep(seconds)


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False
