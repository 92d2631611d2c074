"""A program called docker: answers as it is told, and logs how it was called."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from ops.compose.docker import Docker

_SCRIPT = """\
#!{python} -I
import json, os, pathlib, sys
here = pathlib.Path({folder!r})
with (here / "calls.jsonl").open("a") as log:
    log.write(json.dumps({{"words": sys.argv[1:], "environment": dict(os.environ), "folder": os.getcwd()}}) + "\\n")
given = json.loads((here / "replies.json").read_text())
said = " ".join(sys.argv[1:])
best = max((start for start in given if said.startswith(start)), key=len, default=None)
status, out, err = given[best] if best is not None else (64, "", f"nobody told the fake what to say to: {{said}}")
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(status)
"""


@dataclass(frozen=True)
class Call:
    """One call: its words after `docker`, its environment and folder."""

    words: tuple[str, ...]
    environment: dict[str, str]
    folder: str


class DockerProgram:
    """Lies in `folder` as an executable file. `says` sets what it answers to commands that begin so; the longest that
    fits counts, and anything else is an error, as an unknown command is."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._replies: dict[str, tuple[int, str, str]] = {}
        self.path = folder / "docker"
        self.path.write_text(_SCRIPT.format(python=sys.executable, folder=str(folder)))
        self.path.chmod(0o755)
        self.says("compose version --short", "2.26.1\n")
        self.says("info", json.dumps({"Runtimes": {"runc": {}}}))
        self.says("ps", "")
        self.says("compose -f", "")

    def says(self, start: str, out: str = "", *, err: str = "", status: int = 0) -> None:
        """What it answers from now on to a command that begins with `start`."""
        self._replies[start] = (status, out, err)
        (self._folder / "replies.json").write_text(json.dumps(self._replies))

    @property
    def calls(self) -> list[Call]:
        """All of them, the first one first."""
        log = self._folder / "calls.jsonl"
        lines = log.read_text().splitlines() if log.exists() else []
        told = map(json.loads, lines)
        return [Call(tuple(one["words"]), one["environment"], one["folder"]) for one in told]

    def client(self, root: Path) -> Docker:
        """The real client of this program."""
        return Docker(str(self.path), root)
