"""The images that .env pins, made here from the real programs, for machines that reach no registry.

Each is as its original: entry point, user, paths, and no tool that the original has not. Compose takes them through
the variables of .env, so that its files run as they are shipped. With RAG_PULL_IMAGES=1 nothing is made, and Docker
fetches what .env pins.
"""

import io
import os
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ops.components.find import find, missing
from tests.components.docker_base import IMPORT_S, NGINX, PYTHON, base_image, settle_pip, with_files
from tests.components.docker_engine import Docker

PREFIX = "emini-rag.test"
PYTHON_BASE = f"{PREFIX}/python:local"
NGINX_BASE = f"{PREFIX}/nginx:local"
CHROMA = f"{PREFIX}/chroma:local"
NOBODY = 65534
_TRUSTED = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True)
class Wrapped:
    """An image of one static program or two and nothing else. `variable` is its name in .env; `programs` says where
    each goes; `data` is a folder that belongs to the user."""

    variable: str
    programs: dict[str, str]
    user: str
    changes: tuple[str, ...] = ()
    data: str = ""

    @property
    def name(self) -> str:
        return f"{PREFIX}/{next(iter(self.programs))}:local"


# In the originals Prometheus and Alertmanager stand on a busybox, or, as here, on nothing.
_WRAPPED = (
    Wrapped("COLLECTOR_IMAGE", {"otelcol": "/otelcol-contrib"}, "10001:10001",
            ('CMD ["--config", "/etc/otelcol-contrib/config.yaml"]',)),
    Wrapped("PROMETHEUS_IMAGE", {"prometheus": "/bin/prometheus", "promtool": "/bin/promtool"}, "nobody",
            ("WORKDIR /prometheus",), "/prometheus"),
    Wrapped("ALERTMANAGER_IMAGE", {"alertmanager": "/bin/alertmanager", "amtool": "/bin/amtool"}, "nobody",
            ("WORKDIR /alertmanager",), "/alertmanager"),
    Wrapped("TEMPO_IMAGE", {"tempo": "/tempo"}, "10001:10001"),
)  # fmt: skip


@dataclass
class Images:
    """`environment` is what Compose is given; `absent` names each image of .env that could not be made, and why."""

    environment: dict[str, str] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)

    def remove(self, docker: Docker) -> None:
        """Take them out of the engine, which may be the user's."""
        for name in reversed(self.names):
            docker.try_run("image", "rm", "--force", name)


def pulled() -> bool:
    """Whether Docker fetches what .env pins."""
    return os.environ.get("RAG_PULL_IMAGES", "") not in ("", "0")


def make_images(docker: Docker, folder: Path) -> Images:
    """Everything but Chroma, which comes out of the service's own image: see `make_chroma`."""
    if pulled():
        return Images()
    images = Images()
    base_image(docker, PYTHON_BASE, PYTHON)
    settle_pip(docker, PYTHON_BASE, folder)
    base_image(docker, NGINX_BASE, NGINX)
    _take(images, "PYTHON_IMAGE", PYTHON_BASE)
    _take(images, "NGINX_IMAGE", NGINX_BASE)
    for one in _WRAPPED:
        if lacking := [name for name in one.programs if find(name) is None]:
            images.absent[one.variable] = missing(lacking[0])
        else:
            _wrap(docker, one, folder)
            _take(images, one.variable, one.name)
    _make_ollama(docker, images)
    images.absent["GRAFANA_IMAGE"] = "no package or module registry serves Grafana"
    images.absent["DCGM_EXPORTER_IMAGE"] = "there is no GPU"
    return images


def make_chroma(docker: Docker, images: Images, service_image: str) -> None:
    """Chroma's server from its package, which the service's image holds: as root, `chroma` being the entry point."""
    if pulled():
        return
    changes = ("USER 0:0", "WORKDIR /", "HEALTHCHECK NONE", 'ENTRYPOINT ["chroma"]', 'CMD ["run", "/config.yaml"]')
    with_files(docker, service_image, CHROMA, {}, *changes)
    _take(images, "CHROMA_IMAGE", CHROMA)


def _make_ollama(docker: Docker, images: Images) -> None:
    program = find("ollama")
    if program is None:
        images.absent["OLLAMA_IMAGE"] = missing("ollama")
        return
    name = f"{PREFIX}/ollama:local"
    changes = ("ENV OLLAMA_HOST=0.0.0.0:11434", "EXPOSE 11434", 'ENTRYPOINT ["/bin/ollama"]', 'CMD ["serve"]')
    with_files(docker, PYTHON_BASE, name, {program: "/bin/ollama"}, *changes)
    _take(images, "OLLAMA_IMAGE", name)


def _take(images: Images, variable: str, name: str) -> None:
    images.environment[variable] = name
    images.names.append(name)


def _wrap(docker: Docker, one: Wrapped, folder: Path) -> None:
    archive = folder / "image.tar"
    with tarfile.open(archive, "w") as tar:
        _add(tar, "etc/passwd", f"root:x:0:0::/:/none\nnobody:x:{NOBODY}:{NOBODY}::/:/none\n".encode())
        _add(tar, "etc/group", f"root:x:0:\nnobody:x:{NOBODY}:\n".encode())
        if _TRUSTED.exists():
            _add(tar, str(_TRUSTED).lstrip("/"), _TRUSTED.read_bytes())
        for name, target in one.programs.items():
            _add(tar, target.lstrip("/"), _found(name).read_bytes(), 0o755)
        if one.data:
            _add_folder(tar, one.data.lstrip("/"), NOBODY)
    entry = next(iter(one.programs.values()))
    changes = (f"USER {one.user}", f'ENTRYPOINT ["{entry}"]', *one.changes)
    words: Sequence[str] = [word for change in changes for word in ("--change", change)]
    docker.run("import", *words, archive, one.name, timeout_s=IMPORT_S)
    archive.unlink()


def _found(name: str) -> Path:
    found = find(name)
    if found is None:
        raise FileNotFoundError(missing(name))
    return found


def _add(tar: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))


def _add_folder(tar: tarfile.TarFile, name: str, owner: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.uid, entry.gid = tarfile.DIRTYPE, 0o775, owner, owner
    tar.addfile(entry)
