"""One service of a Compose file, as the rules look at it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.compose.files import ROOT, interpolate

_PORT = re.compile(r"(?:(?P<address>.*):)?(?P<published>[\d-]+):(?P<target>[\d-]+)(?:/\w+)?")
_NAMED_VOLUME = re.compile(r"[a-zA-Z0-9][\w.-]*")


@dataclass(frozen=True)
class Bind:
    """A path of the host that a container sees."""

    source: str
    target: str
    read_only: bool
    made_by_docker: bool  # Docker makes a folder, as root, where the source is missing


@dataclass(frozen=True)
class Published:
    """A port of the host that leads into a container. `address` is as written; empty = every address."""

    address: str
    port: int
    target: int


@dataclass(frozen=True)
class Container:
    """A service by its name in the file. `variables` are those of .env; `root` is where its paths start."""

    name: str
    body: Mapping[str, Any]
    variables: Mapping[str, str]
    root: Path = ROOT

    @property
    def role(self) -> str:
        """Its name in production: a service of development has `-dev` after it."""
        return self.name.removesuffix("-dev")

    @property
    def image(self) -> str:
        """With variables replaced."""
        return interpolate(str(self.body.get("image", "")), self.variables)

    @property
    def environment(self) -> dict[str, str]:
        """Whether it is written as a mapping or as a list."""
        given = self.body.get("environment") or {}
        pairs = given.items() if isinstance(given, dict) else (str(one).partition("=")[::2] for one in given)
        return {str(name): "" if value is None else str(value) for name, value in pairs}

    @property
    def networks(self) -> dict[str, Any]:
        """By name, whether they are written as a list or as a mapping."""
        given = self.body.get("networks") or {}
        return given if isinstance(given, dict) else dict.fromkeys(given)

    @property
    def binds(self) -> Iterator[Bind]:
        """Both ways of writing them."""
        for one in self.body.get("volumes") or ():
            if isinstance(one, dict):
                if one.get("type") == "bind":
                    made = bool((one.get("bind") or {}).get("create_host_path", True))
                    yield Bind(str(one["source"]), str(one["target"]), bool(one.get("read_only")), made)
            else:
                source, _, rest = str(one).partition(":")
                target, _, mode = rest.partition(":")
                if not _NAMED_VOLUME.fullmatch(source):
                    yield Bind(source, target, "ro" in mode.split(","), made_by_docker=True)

    @property
    def volumes(self) -> set[str]:
        """The named ones."""
        sources = (
            str(one.get("source", "")) if isinstance(one, dict) else str(one).partition(":")[0]
            for one in self.body.get("volumes") or ()
        )
        return {source for source in sources if _NAMED_VOLUME.fullmatch(source)}

    @property
    def published(self) -> Iterator[Published]:
        """Ports; one whose form is not `ADDRESS:PORT:TARGET` counts as on every address."""
        for one in self.body.get("ports") or ():
            match = _PORT.fullmatch(str(one))
            if match is None or not match["published"].isdecimal() or not match["target"].isdecimal():
                yield Published("", 0, 0)
            else:
                yield Published(match["address"] or "", int(match["published"]), int(match["target"]))

    @property
    def dockerfile(self) -> Path | None:
        """Of an image that is built here."""
        build = self.body.get("build")
        if build is None:
            return None
        given = build if isinstance(build, dict) else {"context": build}
        return self.root / str(given.get("context", ".")) / str(given.get("dockerfile", "Dockerfile"))
