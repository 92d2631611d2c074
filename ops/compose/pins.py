"""`pins`: asks the registries for the digest of every version in .env and writes it there; all of them or none.

    python -m ops.compose pins                                        # renew the digests of the versions that are there
    python -m ops.compose pins GRAFANA_IMAGE=grafana/grafana:13.2.4   # another version, with its digest

A Dockerfile that names the same image as its default base follows.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from ops.compose.docker import Docker
from ops.compose.files import VARIABLES, read_variables
from service.whole_file import write_whole

DOCKERFILES = {"PYTHON_IMAGE": "service/Dockerfile", "NGINX_IMAGE": "frontend/Dockerfile"}
_SUFFIX = "_IMAGE"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_ASK_S = 60.0
_BASE = re.compile(r"^ARG BASE=.*$", re.MULTILINE)


class NotPinned(Exception):
    """A digest could not be had, or a wish names no image. Nothing was written. The text says why."""


def pin(docker: Docker, root: Path, wishes: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Renew .env and the Dockerfiles. Raises `NotPinned`, and `Unusable` without Docker."""
    variables = read_variables(root / VARIABLES)
    images = {name: value for name, value in variables.items() if name.endswith(_SUFFIX)}
    if unknown := sorted(set(wishes) - set(images)):
        raise NotPinned(f"{VARIABLES} has no image called {', '.join(unknown)}; it has {', '.join(images)}")
    wanted = {name: _version(wishes.get(name, value)) for name, value in images.items()}
    found = {name: f"{version}@{_digest(docker, version)}" for name, version in wanted.items()}
    for name, value in found.items():
        say(f"{name}: {value}" + (" (as before)" if value == images[name] else f" (was {images[name]})"))
    _write(root, found)


def wishes_of(words: Sequence[str]) -> dict[str, str]:
    """NAME=IMAGE:VERSION each. Raises `NotPinned`."""
    pairs = [word.partition("=") for word in words]
    if wrong := ["".join(pair) for pair in pairs if not pair[2]]:
        raise NotPinned(f"{', '.join(wrong)}: write it like GRAFANA_IMAGE=grafana/grafana:13.2.4")
    return {name: value for name, _, value in pairs}


def _version(image: str) -> str:
    """Without the digest. Raises `NotPinned` for one without a version."""
    version = image.partition("@")[0]
    tag = version.rpartition("/")[2].partition(":")[2]
    if not tag or tag == "latest":
        raise NotPinned(f"{image} is no fixed version")
    return version


def _digest(docker: Docker, version: str) -> str:
    answer = docker.ask(
        "buildx", "imagetools", "inspect", version, "--format", "{{.Manifest.Digest}}", timeout_s=_ASK_S
    )
    match = _DIGEST.search(answer.stdout)
    if answer.returncode != 0 or match is None:
        said = (answer.stderr or answer.stdout).strip() or "nothing"
        raise NotPinned(
            f"no digest for {version}; nothing was written. It takes `docker buildx` and a way to the registry, which "
            f"said: {said}"
        )
    return match[0]


def _write(root: Path, images: Mapping[str, str]) -> None:
    """Each file at once, so that a crash leaves it whole."""
    write_whole(root / VARIABLES, "\n".join(_renewed((root / VARIABLES).read_text(encoding="utf-8"), images)) + "\n")
    for name, file in DOCKERFILES.items():
        path = root / file
        if name in images and path.exists():
            write_whole(path, _BASE.sub(f"ARG BASE={images[name]}", path.read_text(encoding="utf-8"), count=1))


def _renewed(text: str, images: Mapping[str, str]) -> Iterator[str]:
    for line in text.splitlines():
        name, sign, _ = line.partition("=")
        yield f"{name}={images[name]}" if sign and name in images else line
