"""Prepares the virtual environment: `python -m ops.setup.environment [--dev]`, with any Python that is new enough.

It holds exactly the locked packages, checked by hash, and the `emini-rag` command of this checkout. Needs the standard
library only, since nothing else is there yet. Done again only when a lock file changed. Exit status: 0 ready, 1 not.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ops.setup.progress import Progress

ROOT = Path(__file__).parents[2]
FOLDER = ".venv"
LOCKS = {"run": "requirements.txt", "dev": "requirements-dev.txt"}  # the second holds the first
_INSTALLED = ("Collecting ", "Requirement already satisfied: ")
_TAIL = 15
# The first lines let a shell start the Python beside it, wherever the folder is and however long its name.
_LAUNCHER = """\
#!/bin/sh
'''exec' "$(dirname "$(readlink -f "$0")")/python" "$0" "$@"
' '''
import sys

from service.cli.main import main

sys.exit(main())
"""


class NotPrepared(Exception):
    """The environment could not be prepared. The text says why and what to do."""


def prepare(kind: str, root: Path, progress: Callable[[str], Progress]) -> None:
    """Make `.venv` under `root` hold what the lock of `kind` says. Nothing is done when it already does.

    Raises `NotPrepared`; what was installed until then is kept and the next try goes on from there.
    """
    lock = root / LOCKS[kind]
    stamp = root / FOLDER / kind
    content = fingerprint(lock, root)
    if stamp.exists() and stamp.read_text() == content:
        stamp.touch()  # make compares times, and a checkout gives an unchanged lock a new one
        return
    python = _create(root / FOLDER, progress("virtual environment"))
    _install(python, lock, progress(f"packages of {lock.name}"))
    _put_command(root, python)
    stamp.write_text(content)


def fingerprint(lock: Path, root: Path) -> str:
    """What decides whether an environment is up to date: the lock and where the checkout lies."""
    return hashlib.sha256(lock.read_bytes() + str(root).encode()).hexdigest()


def count_packages(lock: str) -> int:
    """How many packages the text of a lock file pins, those for other systems included."""
    return sum("==" in line and not line.startswith((" ", "#")) for line in lock.splitlines())


def count_installed(lines: Iterable[str]) -> int:
    """How many packages pip is at, from its own output."""
    return sum(line.startswith(_INSTALLED) for line in lines)


def _create(folder: Path, progress: Progress) -> Path:
    """The environment's Python. An environment whose Python does not run any more is made anew."""
    python = folder / "bin" / "python"
    if _runs(python):
        return python
    shutil.rmtree(folder, ignore_errors=True)
    answer = subprocess.run([sys.executable, "-m", "venv", folder], capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        shutil.rmtree(folder, ignore_errors=True)
        raise NotPrepared(
            f"`{sys.executable} -m venv` failed; on Debian and Ubuntu the package python3-venv brings it\n"
            f"{answer.stdout}{answer.stderr}"
        )
    progress.end("made")
    return python


def _runs(python: Path) -> bool:
    if not python.exists():
        return False
    return subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0


def _install(python: Path, lock: Path, progress: Progress) -> None:
    total = count_packages(lock.read_text())
    words = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    # The lock names every package, so pip need not look for what they depend on.
    words += ["--no-deps", "--require-hashes", "-r", str(lock)]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT, env=_without_python_settings())
        try:
            while _still_runs(process):
                log.seek(0)
                at = count_installed(log)
                progress.show(f"{at} of at most {total}" if at < total else "installing")
        finally:
            process.kill()
            process.wait()
        log.seek(0)
        said = "".join(log.readlines()[-_TAIL:])
    if process.returncode != 0:
        raise NotPrepared(
            f"pip ended with {process.returncode}. It needs the package index; run it again to go on.\n{said}"
        )
    progress.end("ready")


def _still_runs(process: "subprocess.Popen[bytes]") -> bool:
    try:
        process.wait(0.2)
    except subprocess.TimeoutExpired:
        return True
    return False


def _without_python_settings() -> dict[str, str]:
    """The environment without what would lead pip to packages outside .venv."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET")}


def _put_command(root: Path, python: Path) -> None:
    """Let the environment's Python import this checkout, and put the `emini-rag` command beside it."""
    ask = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    packages = Path(subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip())
    (packages / "emini-rag.pth").write_text(f"{root}\n")
    command = python.parent / "emini-rag"
    command.write_text(_LAUNCHER)
    command.chmod(0o755)


def main(words: Sequence[str]) -> int:
    """Do what the command line asks, and say how it went."""
    kind = "dev" if "--dev" in words else "run"
    if not (ROOT / FOLDER / kind).exists():
        sys.stdout.write(f"Preparing {FOLDER} with Python {sys.version.split()[0]}: once, about a minute\n")
        sys.stdout.flush()
    try:
        prepare(kind, ROOT, lambda title: Progress(title, sys.stdout))
    except NotPrepared as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped; the next time goes on from here\n")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
