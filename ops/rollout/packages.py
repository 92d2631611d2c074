"""The Python environment of a version that was laid out: one for each lock file, shared by the versions that have it.

Whatever `make setup` does later to the checkout's own environment, a version that was deployed keeps its packages: the
files are linked, and pip replaces files instead of writing into them.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from service.cli.failures import Failure

ENVIRONMENTS = "environments"
_VENV, _LOCK = ".venv", "requirements.txt"
# A .pth file of the checkout's environment names the checkout; a version's source is named when it is started.
_OWN_PTH = "emini-rag.pth"
_INSTALL_S = 1800.0
_IMPORT_S = 120.0


def provide(place: Path, folder: Path, checkout: Path, own: Path = Path(sys.prefix)) -> None:
    """Give the version at `place` its `.venv`. `own` is the environment of `checkout`, which is used where the lock is
    the same; else packages are installed, which needs the package index. Raises `Failure`."""
    lock = (place / _LOCK).read_bytes()
    environment = folder / ENVIRONMENTS / hashlib.sha256(lock).hexdigest()[:12]
    if not environment.is_dir():
        half = environment.with_name(f".new-{environment.name}")
        shutil.rmtree(half, ignore_errors=True)
        try:
            environment.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if lock == (checkout / _LOCK).read_bytes():
                _link(own.resolve(), half)
            else:
                _install(place, half)
            for pth in half.glob(f"lib/python*/site-packages/{_OWN_PTH}"):
                pth.unlink()
            half.rename(environment)
        except OSError as error:
            shutil.rmtree(half, ignore_errors=True)
            why = error.strerror or "not every file could be copied"
            raise Failure(f"The packages cannot be put into {environment}", why, todo="Make room there.") from error
    venv = place / _VENV
    if not venv.is_symlink():
        venv.symlink_to(os.path.relpath(environment, place))


def prune_environments(folder: Path) -> None:
    """Remove those that no version has any more."""
    used = {venv.resolve() for venv in folder.glob(f"*/{_VENV}")}
    for environment in (folder / ENVIRONMENTS).glob("[!.]*"):
        if environment.resolve() not in used:
            shutil.rmtree(environment)


def require_importable(place: Path, variables: Mapping[str, str] | None) -> None:
    """Raises `Failure` when the version cannot even be imported, or refuses the settings in `variables`, with which the
    service is to be started; None: these are not known."""
    what = "import service.__main__" + (
        "" if variables is None else "; from service.settings import load_settings; load_settings()"
    )
    told = dict(os.environ if variables is None else variables) | {"PYTHONPATH": str(place)}
    python = str(place / _VENV / "bin" / "python")
    try:
        ended = subprocess.run(
            [python, "-P", "-c", what], env=told, capture_output=True, text=True, timeout=_IMPORT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failure("The new version cannot be started", str(error)) from error
    if ended.returncode != 0:
        last = ended.stderr.strip().splitlines()[-1:] or [f"status {ended.returncode}"]
        raise Failure("The new version cannot be started", last[0], lines=ended.stderr.strip().splitlines()[-6:-1])


def _link(source: Path, target: Path) -> None:
    """A copy that shares the files' content; a real copy on another disk."""
    try:
        shutil.copytree(source, target, symlinks=True, copy_function=os.link)
    except (OSError, shutil.Error):
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target, symlinks=True)


def _install(place: Path, target: Path) -> None:
    """By the version's own set-up, in its own folder; then to where others find it too."""
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "ops.setup.environment"],
            cwd=place,
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            timeout=_INSTALL_S,
            check=False,
        )
        why = "" if ended.returncode == 0 else "what was said above"
    except subprocess.TimeoutExpired:
        why = f"it took longer than {_INSTALL_S:g} s"
    if why:
        todo = "It needs the package index (PIP_INDEX_URL) once. Run the same command again."
        raise Failure("The packages of the new version could not be installed", why, todo=todo)
    (place / _VENV).rename(target)
