"""What is built from source, from which pinned manifests, and where the result lies.

A build lies in `.components/<hash>/`, the hash being that of everything that decides it, so a changed manifest is a
new build and an old one is never taken for it.
"""

import hashlib
import platform
from dataclasses import dataclass
from pathlib import Path

MANIFESTS = Path(__file__).parent
BUILDS = MANIFESTS.parents[1] / ".components"


@dataclass(frozen=True)
class Recipe:
    """One program: the Go package to build and the folder whose go.mod and go.sum pin it.

    `package` is an import path, or "." for the manifest folder itself. `version_symbol` is the variable that the
    program prints as its version. `headers` are C headers that must be found, with the Debian package of each;
    `sdist_header` is one that comes out of the Python source package that `sdist.txt` beside go.mod pins.
    """

    name: str
    manifest: str
    package: str
    version: str
    version_symbol: str = ""
    tags: str = ""
    cgo: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    sdist_header: str = ""
    wall: str = "1-2 min"

    @property
    def folder(self) -> Path:
        """Where its manifests are."""
        return MANIFESTS / self.manifest

    @property
    def key(self) -> str:
        """Hash of the recipe, its manifests and the kind of machine."""
        digest = hashlib.sha256(repr((self, platform.system(), platform.machine())).encode())
        for file in sorted(self.folder.iterdir()):
            if file.is_file():
                digest.update(file.name.encode() + b"\0" + file.read_bytes())
        return digest.hexdigest()[:16]


_PROMETHEUS_TAGS = "netgo,remove_all_sd"
_VERSION_SYMBOL = "github.com/prometheus/common/version.Version"
_RECIPES = (
    Recipe("otelcol", "otelcol", ".", "0.159.0", tags="grpcnotrace"),
    Recipe(
        "prometheus",
        "prometheus",
        "github.com/prometheus/prometheus/cmd/prometheus",
        "3.16.0",
        _VERSION_SYMBOL,
        _PROMETHEUS_TAGS,
    ),
    Recipe(
        "promtool",
        "prometheus",
        "github.com/prometheus/prometheus/cmd/promtool",
        "3.16.0",
        _VERSION_SYMBOL,
        _PROMETHEUS_TAGS,
    ),
    Recipe(
        "alertmanager",
        "alertmanager",
        "github.com/prometheus/alertmanager/cmd/alertmanager",
        "0.31.1",
        _VERSION_SYMBOL,
    ),
    Recipe("amtool", "amtool", "github.com/prometheus/alertmanager/cmd/amtool", "0.34.2", _VERSION_SYMBOL),
    Recipe(
        "ollama",
        "ollama",
        "github.com/ollama/ollama",
        "0.24.0",
        "github.com/ollama/ollama/version.Version",
        cgo=True,
        headers=(("nlohmann/json.hpp", "nlohmann-json3-dev"), ("stb/stb_image.h", "libstb-dev")),
        sdist_header="miniaudio/miniaudio.h",
        wall="4-8 min",
    ),
)
RECIPES = {recipe.name: recipe for recipe in _RECIPES}


def built_folder(recipe: Recipe) -> Path:
    """Where the finished build of `recipe` is, or will be."""
    return BUILDS / recipe.key
