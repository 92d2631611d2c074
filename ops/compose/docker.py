"""The docker program: what there is of it, what it says, and running Compose with it."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ops.compose.files import ROOT
from service.cli.failures import Failure

# Compose 2.24 brought files of settings that may be missing, and `!reset`.
NEEDED = (2, 24)
_QUICK_S = 30.0
_PUBLISHED = re.compile(r":(\d+)->")


class Unusable(Failure):
    """Docker is missing, too old or does not run. The text says what to do."""


def version_of(text: str) -> tuple[int, ...]:
    """Out of `2.26.1-4`, `v2.24.0-desktop.1` or a whole sentence; empty when there is none."""
    match = re.search(r"\b[vV]?(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(one) for one in match.groups(default="0")) if match else ()


class Docker:
    """`program` is looked for on PATH. Raises `Unusable` wherever an answer is needed and none comes."""

    def __init__(self, program: str = "docker", root: Path = ROOT) -> None:
        self._program = program
        self._root = root

    def check_compose(self) -> tuple[int, ...]:
        """Its version, when it is new enough."""
        answer = self.ask("compose", "version", "--short")
        found = version_of(answer.stdout) if answer.returncode == 0 else ()
        if not found:
            raise Unusable(f"this docker has no Compose{_old_one()}: install the plugin docker-compose-plugin")
        if found < NEEDED:
            raise Unusable(
                f"Compose {_text(found)} is too old: {_text(NEEDED)} or newer is needed, for files of settings that "
                "may be missing and for overlays that take something away; upgrade docker-compose-plugin"
            )
        return found

    def info(self) -> dict[str, Any]:
        """What the engine says about itself."""
        answer = self.ask("info", "--format", "{{json .}}")
        try:
            told = json.loads(answer.stdout or "{}")
        except json.JSONDecodeError:
            told = {}
        if answer.returncode != 0 or not isinstance(told, dict) or told.get("ServerErrors"):
            said = (answer.stderr or "; ".join(map(str, told.get("ServerErrors") or ()))).strip()
            raise Unusable(f"the Docker engine does not answer: {_remedy(said)}. It said: {said}")
        return told

    def ports_of(self, project: str) -> set[int]:
        """Ports of the host that running containers of a project hold."""
        answer = self.ask("ps", "--filter", f"label=com.docker.compose.project={project}", "--format", "{{.Ports}}")
        return {int(port) for port in _PUBLISHED.findall(answer.stdout)} if answer.returncode == 0 else set()

    def compose(self, files: Sequence[str], words: Sequence[str], settings: Mapping[str, str] | None = None) -> int:
        """Run Compose in front of the user; its exit status. `settings` are laid over the environment."""
        command = [self._found(), "compose", *_with(files), *words]
        return subprocess.run(command, cwd=self._root, env=os.environ | dict(settings or {}), check=False).returncode

    def validate(self, files: Sequence[str]) -> str:
        """What Compose has against the files laid over each other; empty = nothing."""
        answer = self.ask("compose", *_with(files), "config", "--quiet")
        return "" if answer.returncode == 0 else (answer.stderr or answer.stdout).strip()

    def ask(
        self, *words: str, timeout_s: float = _QUICK_S, settings: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run it, and give what it said. `settings` are laid over the environment."""
        try:
            return subprocess.run(
                [self._found(), *words],
                cwd=self._root,
                env=os.environ | dict(settings or {}),
                capture_output=True,
                text=True,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise Unusable(f"`docker {words[0]}` did not answer within {timeout_s:g} s") from error

    def _found(self) -> str:
        path = shutil.which(self._program)
        if path is None:
            raise Unusable(
                f"the program `{self._program}` is not on PATH: install Docker Engine with its Compose plugin, or run "
                "without Docker (`make run`, and `make stack` for everything around it)"
            )
        return path


def _remedy(said: str) -> str:
    if "permission denied" in said.lower():
        return "this user may not talk to it; add it to the group docker, or use rootless Docker"
    return "start it (`systemctl start docker`)"


def _with(files: Sequence[str]) -> list[str]:
    return [word for file in files for word in ("-f", file)]


def _text(version: Sequence[int]) -> str:
    return ".".join(map(str, version))


def _old_one() -> str:
    return " v2 (`docker-compose` on PATH is another program, which cannot read these files)" if _has_v1() else " v2"


def _has_v1() -> bool:
    return shutil.which("docker-compose") is not None
