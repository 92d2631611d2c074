"""Upgrades the lock files: `python -m ops.setup.lock`, with any Python that is new enough.

Both files name every package with hashes, for every system and Python that the project supports, and no package index.
The tool that resolves them is put into a folder that is thrown away. Exit status: 0 written, else the tool's own.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from ops.setup.environment import LOCKS, ROOT

_OPTIONS = ("--universal", "--python-version", "3.11", "--generate-hashes", "--upgrade")
_PLAIN = ("--no-emit-index-url", "--no-emit-find-links", "--no-header", "--no-annotate", "--quiet")


def commands(uv: Path) -> list[list[str]]:
    """What is run, in order. The second keeps to the versions of the first, so that tests run what is released."""
    first = [str(uv), "pip", "compile", "pyproject.toml", *_OPTIONS, *_PLAIN]
    return [
        [*first, "--output-file", LOCKS["run"]],
        [*first, "--extra", "dev", "--constraints", LOCKS["run"], "--output-file", LOCKS["dev"]],
    ]


def main() -> int:
    """Write both lock files."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        programs = Path(folder) / "bin"
        subprocess.run([programs / "python", "-m", "pip", "install", "--quiet", "uv"], check=True)
        for command in commands(programs / "uv"):
            sys.stdout.write(f"writing {command[-1]}\n")
            sys.stdout.flush()
            status = subprocess.run(command, cwd=ROOT, check=False).returncode
            if status != 0:
                return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
