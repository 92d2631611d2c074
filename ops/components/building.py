"""Builds one recipe into its folder under `.components/`, all of it or nothing."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ops.components.recipes import Recipe, built_folder
from ops.setup.progress import Progress

_LINK = "-s -w"  # no symbol table: the binaries are half as large
_TAIL = 25
_VERSION_S = 60


class BuildFailed(Exception):
    """A component could not be built. The text says at what, with the end of the compiler's output."""


def build(recipe: Recipe, progress: Progress, builds: Path | None = None) -> Path:
    """The finished binary. Builds it unless it is there; another build that runs is waited for.

    Raises `BuildFailed`, and then leaves nothing that could be taken for a build.
    """
    folder = (builds / recipe.key) if builds else built_folder(recipe)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone(folder.parent, progress):
        if (folder / recipe.name).exists():
            return folder / recipe.name
        staging = folder.with_name(f".staging-{recipe.name}")
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir()
        try:
            _fill(staging, recipe, progress)
            staging.rename(folder)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return folder / recipe.name


def command(recipe: Recipe, binary: Path) -> list[str]:
    """The Go command that builds `recipe` into `binary`, to be run in its manifest folder."""
    link = f"{_LINK} -X {recipe.version_symbol}={recipe.version}" if recipe.version_symbol else _LINK
    tags = ["-tags", recipe.tags] if recipe.tags else []
    return ["go", "build", "-v", *tags, "-ldflags", link, "-o", str(binary), recipe.package]


def environment(recipe: Recipe, include: Path, inherited: Mapping[str, str]) -> dict[str, str]:
    """What the Go command runs with: the user's own settings of where modules come from, and nothing that changes
    what is built."""
    kept = {name: value for name, value in inherited.items() if name not in ("GOFLAGS", "GOOS", "GOARCH")}
    paths = [str(include), *([kept["CPATH"]] if kept.get("CPATH") else [])]
    return kept | {
        "GOFLAGS": "-trimpath -mod=readonly -buildvcs=false",
        "GOWORK": "off",
        "CGO_ENABLED": "1" if recipe.cgo else "0",
        "CPATH": ":".join(paths),
    }


def printed_version(binary: Path) -> str:
    """The version that `binary` says it has, such as "3.16.0". Empty when it says none or does not run."""
    # An Ollama client would else ask a server that happens to run and print that one's version.
    alone = os.environ | {"OLLAMA_HOST": "127.0.0.1:1"}
    try:
        answer = subprocess.run(
            [binary, "--version"], capture_output=True, text=True, timeout=_VERSION_S, env=alone, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(r"(?:version|is|v)\D{0,3}(\d+\.\d+\.\d+)", answer.stdout + answer.stderr)
    return found[1] if found else ""


def _fill(staging: Path, recipe: Recipe, progress: Progress) -> None:
    include = staging / "include"
    if recipe.sdist_header:
        progress.show("fetching a header")
        _fetch_header(recipe, include)
    binary = staging / recipe.name
    log = staging.parent / f"{recipe.name}.log"
    _run(command(recipe, binary), recipe.folder, environment(recipe, include, os.environ), log, progress)
    shutil.rmtree(include, ignore_errors=True)
    if (said := printed_version(binary)) != recipe.version:
        raise BuildFailed(f"the new {recipe.name} says its version is {said or 'nothing'}, not {recipe.version}")


def _run(words: list[str], folder: Path, variables: dict[str, str], log: Path, progress: Progress) -> None:
    with log.open("w") as out:
        process = subprocess.Popen(words, cwd=folder, env=variables, stdout=out, stderr=subprocess.STDOUT)
        try:
            while process.poll() is None:
                progress.show(_state(log))
                time.sleep(0.05)
        finally:
            process.kill()
            process.wait()
    if process.returncode != 0:
        raise BuildFailed(
            f"`{words[0]} {words[1]}` ended with {process.returncode}; all it said is in {log}\n{_tail(log)}"
        )


def _state(log: Path) -> str:
    """How far the build is, from the compiler's own lines."""
    lines = log.read_text(errors="replace").splitlines()
    fetched = sum(line.startswith("go: downloading ") for line in lines)
    return f"{fetched} modules fetched, {len(lines) - fetched} packages compiled"


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-_TAIL:])


def _fetch_header(recipe: Recipe, include: Path) -> None:
    """Put `recipe.sdist_header` under `include`, from the source package that its pin file names by hash."""
    include.mkdir()
    pin = recipe.folder / "sdist.txt"
    name = pin.read_text().partition("==")[0]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    words = [*pip, "--no-deps", "--no-binary", name, "--require-hashes", "--dest", str(include), "-r", str(pin)]
    answer = subprocess.run(words, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise BuildFailed(f"the source package {name} could not be fetched\n{answer.stdout}{answer.stderr}")
    (archive,) = include.glob(f"{name}-*.tar.gz")
    with tarfile.open(archive) as contents:
        member = contents.extractfile(f"{archive.name.removesuffix('.tar.gz')}/{recipe.sdist_header}")
        if member is None:
            raise BuildFailed(f"{archive.name} holds no {recipe.sdist_header}")
        header = include / recipe.sdist_header
        header.parent.mkdir(parents=True, exist_ok=True)
        header.write_bytes(member.read())
    archive.unlink()


@contextmanager
def _alone(folder: Path, progress: Progress) -> Iterator[None]:
    """Hold the folder's lock: builds run one after another, and none is done twice. The system frees it at a crash."""
    with (folder / ".lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                progress.show("waiting for another build")
                time.sleep(0.05)
            else:
                break
        yield
