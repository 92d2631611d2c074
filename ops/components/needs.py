"""What a build needs of the machine: Go, a C compiler and C headers; what of it is missing and what to do about it."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ops.components.recipes import Recipe

_ASK_S = 300  # a Go command may first fetch the toolchain that go.mod names
_COMPILERS = ("gcc", "g++")


@dataclass(frozen=True)
class Lack:
    """Something that a build needs and the machine has not. `package` is the Debian package that brings it, if any."""

    what: str
    advice: str
    package: str = ""

    def __str__(self) -> str:
        return f"{self.what}: {self.advice}"


class Machine(Protocol):
    """What can be asked about the machine."""

    def has_program(self, name: str) -> bool: ...

    def go_version(self, folder: Path) -> str:
        """The version that would build the module in `folder`, such as "1.26.8"; empty when there is no Go."""

    def has_header(self, header: str) -> bool: ...


class ThisMachine:
    """The machine this runs on, asked by running its programs."""

    def has_program(self, name: str) -> bool:
        return shutil.which(name) is not None

    def go_version(self, folder: Path) -> str:
        # Asked inside the module, because Go may take a newer toolchain there than its own.
        return _ask(["go", "env", "GOVERSION"], folder).strip().removeprefix("go")

    def has_header(self, header: str) -> bool:
        program = f"#if __has_include(<{header}>)\nfound\n#endif\n"
        return "found" in _ask(["g++", "-E", "-P", "-x", "c++", "-"], Path.cwd(), program)


def lacks(recipes: Iterable[Recipe], machine: Machine) -> list[Lack]:
    """Everything that `recipes` need and `machine` has not, each once."""
    found: dict[str, Lack] = {}
    for recipe in recipes:
        for lack in _lacks_of(recipe, machine):
            found.setdefault(lack.what, lack)
    return list(found.values())


def needed_go(recipe: Recipe) -> str:
    """The lowest Go version that its go.mod allows."""
    stated = re.search(r"^go (\S+)$", (recipe.folder / "go.mod").read_text(), re.MULTILINE)
    if not stated:
        raise ValueError(f"{recipe.folder / 'go.mod'} states no Go version")
    return stated[1]


def _lacks_of(recipe: Recipe, machine: Machine) -> Iterable[Lack]:
    wanted = needed_go(recipe)
    present = machine.go_version(recipe.folder)
    if not present:
        yield Lack("Go", f"install Go {wanted} or newer, so that `go version` works")
    elif _numbers(present) < _numbers(wanted):
        yield Lack(f"Go {wanted}", f"`go version` says {present}; install {wanted} or newer")
    if not recipe.cgo:
        return
    compilers = [name for name in _COMPILERS if not machine.has_program(name)]
    for name in compilers:
        yield Lack(name, f"on Debian: `apt-get install {name}`", name)
    if "g++" in compilers:
        return  # it is what finds the headers
    for header, package in recipe.headers:
        if not machine.has_header(header):
            yield Lack(f"the C header {header}", f"on Debian: `apt-get install {package}`", package)


def install(packages: Iterable[str]) -> None:
    """Install Debian packages; needs root. Raises CalledProcessError or FileNotFoundError when it cannot."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-q"], check=True, env=environment, stdout=subprocess.DEVNULL)
    command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _ask(command: list[str], folder: Path, text: str = "") -> str:
    try:
        answer = subprocess.run(
            command, cwd=folder, input=text, capture_output=True, text=True, timeout=_ASK_S, check=False
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout if answer.returncode == 0 else ""
