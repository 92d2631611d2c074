"""Debian base images without a registry: made by `debootstrap` once, kept as a file, and imported.

Needs root and `debootstrap`. The file is in `.components/debian-<hash>.tar`; the hash is that of what decides it.
"""

import hashlib
import os
import platform
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from ops.components.recipes import BUILDS
from tests.components.docker_engine import Docker, DockerFailed

SUITE = "bookworm"
MAKE_S = 600.0
IMPORT_S = 120.0
# What `service/Dockerfile` and `frontend/Dockerfile` say that they need of their base.
PYTHON = ("ca-certificates", "python3", "python3-venv", "python3-pip")
NGINX = ("nginx-light", "wget")
_LEFT_OUT = (
    "./var/cache/apt/archives/*.deb",
    "./var/lib/apt/lists/*",
    "./dev/*",
    "./usr/share/doc/*",
    "./usr/share/man/*",
)
_TRUSTED = Path("/etc/ssl/certs/ca-certificates.crt")


def why_none() -> str:
    """Why no base can be made here; empty when one can."""
    if os.geteuid() != 0:
        return "making a base image needs root"
    if shutil.which("debootstrap") is None:
        return "the program `debootstrap` is not on PATH (on Debian: `apt-get install debootstrap`)"
    return ""


def base_image(docker: Docker, name: str, packages: tuple[str, ...]) -> str:
    """`name`, a Debian with these packages. Raises `DockerFailed` or `CalledProcessError`."""
    if not docker.lines("image", "ls", "--quiet", name):
        docker.run("import", _tar(packages), name, timeout_s=IMPORT_S)
    return name


def settle_pip(docker: Docker, image: str, folder: Path) -> None:
    """Let pip in `image` find packages where this machine's does, and trust whom this machine trusts."""
    configuration = folder / "pip.conf"
    configuration.write_text(_pip_configuration())
    files = {configuration: "/etc/pip.conf", **({_TRUSTED: str(_TRUSTED)} if _TRUSTED.exists() else {})}
    with_files(docker, image, image, files, 'CMD ["python3"]')


def with_files(docker: Docker, base: str, image: str, files: dict[Path, str], *changes: str) -> None:
    """`image` is `base` with files or folders put where the values say, and with `changes` as a Dockerfile has them."""
    container = docker.run("create", "--network=none", base, "true")
    try:
        for source, target in files.items():
            docker.run("cp", source, f"{container}:{target}", timeout_s=IMPORT_S)
        words = [word for change in changes for word in ("--change", change)]
        docker.run("commit", *words, container, image, timeout_s=IMPORT_S)
    finally:
        docker.try_run("rm", container)


def _tar(packages: tuple[str, ...]) -> Path:
    key = hashlib.sha256(repr((SUITE, packages, _LEFT_OUT, platform.machine())).encode()).hexdigest()[:16]
    made = BUILDS / f"debian-{key}.tar"
    if not made.exists():
        if reason := why_none():
            raise DockerFailed(reason)
        _make(packages, made)
    return made


def _make(packages: tuple[str, ...], made: Path) -> None:
    BUILDS.mkdir(exist_ok=True)
    # Beside the result, so that renaming it is one step, and not where devices are forbidden, as /tmp may be.
    folder = Path(tempfile.mkdtemp(prefix=f"{made.stem}-", dir=BUILDS))
    try:
        words = ["debootstrap", "--variant=minbase", f"--include={','.join(packages)}", SUITE, folder / "root"]
        _run([*words, *([mirror] if (mirror := _mirror()) else [])])
        left_out = [f"--exclude={one}" for one in _LEFT_OUT]
        _run(["tar", "--create", "--file", folder / "made.tar", "--directory", folder / "root", *left_out, "."])
        (folder / "made.tar").rename(made)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[str | Path]) -> None:
    try:
        done = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, timeout=MAKE_S, check=False
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise DockerFailed(f"`{command[0]}` did not end within {MAKE_S:g} s") from error
    if done.returncode != 0:
        raise DockerFailed(f"`{command[0]}` failed:\n{(done.stdout + done.stderr)[-3000:]}")


def _mirror() -> str:
    """Where this machine itself takes the suite from; empty = debootstrap's default."""
    words = ["apt-get", "indextargets", "--format", "$(CODENAME) $(REPO_URI)", "Created-By: Packages"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
    match = re.search(rf"^{SUITE} (\S+)$", done.stdout, re.MULTILINE)
    return match[1] if match else ""


def _pip_configuration() -> str:
    """This machine's choice of package index, as a pip.conf."""
    words = ["python3", "-m", "pip", "config", "list"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
    given = dict(re.findall(r"^(?:global|:env:|install)\.([\w-]+)='(.*)'$", done.stdout, re.MULTILINE))
    kept = {name: given[name] for name in ("index-url", "extra-index-url", "trusted-host", "timeout") if name in given}
    if _TRUSTED.exists():
        kept["cert"] = str(_TRUSTED)
    return "[global]\n" + "".join(f"{name} = {value}\n" for name, value in kept.items())
