"""A real Chroma server on a free loopback port: the `chroma run` of the installed package."""

import os
import sys
from pathlib import Path

from ops.stack.process import Component, Process, answers, free_port

START_S = 30.0


class RunningChroma(Component):
    """Data, home and log are in `folder`. After `kill` or `stop`, `start` brings it back at the same address with the
    same data. Raises `ComponentFailed` with the end of the log."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.data = folder / "data"
        home = folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        program = Path(sys.executable).with_name("chroma")
        command = [program, "run", "--path", self.data, "--host", "127.0.0.1", "--port", str(self.port)]
        environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "NO_COLOR": "1"}
        self._process = Process(command, environment, folder, folder / "chroma.log")

    def start(self) -> None:
        """Start, and wait until it answers."""
        self._process.start(lambda: answers(f"{self.url}/api/v2/heartbeat"), START_S)
