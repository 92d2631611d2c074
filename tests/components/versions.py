"""A repository with versions of the service that differ in one thing each: what a deploy chooses from.

Made of the files of this checkout as they are, changed and new ones included.
"""

import shutil
import subprocess
from pathlib import Path

from ops.stack.site import ROOT

# Branch -> file, and what is exchanged in it for what.
VERSIONS = {
    "fine": ("service/version.py", '"0+unknown"\n', '"0+unknown"\n\n# Nothing else differs.\n'),
    "slow": (
        "service/ask/answering.py",
        "            version = self._parts.corpus_version()\n",
        "            await asyncio.sleep(0.5)\n            version = self._parts.corpus_version()\n",
    ),
    "never-ready": ("service/api/health.py", '200 if status == "ready" else 503)', "503)"),
    "crashes": (
        "service/bootstrap.py",
        "    about = _about(settings)\n",
        '    raise RuntimeError("this version cannot start")\n',
    ),
    "fails": (
        "service/ask/answering.py",
        "            version = self._parts.corpus_version()\n",
        '            raise DependencyTimeout(Dependency.SQLITE, "this version cannot answer")\n',
    ),
    "not-importable": ("service/app.py", "from fastapi import", "import nothing_of_this_name\nfrom fastapi import"),
    "newer-schema": (
        "service/corpus/schema.py",
        "    clean = db.execute(",
        '    db.execute("PRAGMA user_version = 2")\n    clean = db.execute(',
    ),
}  # fmt: skip
_FURTHER = {"newer-schema": ("service/corpus/schema.py", "SCHEMA_VERSION = 1\n", "SCHEMA_VERSION = 2\n")}


class Versions:
    """The repository is in `folder`; its branch `main` is this checkout."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
        for name in listed.stdout.decode().split("\0"):
            source = ROOT / name
            if name and source.is_file() and not source.is_symlink():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, folder / name)
        self.git("init", "--quiet", "--initial-branch=main")
        for name, value in (("user.name", "Test"), ("user.email", "test@example.org"), ("commit.gpgsign", "false")):
            self.git("config", name, value)
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", "main")
        for name in VERSIONS:
            self._add(name)

    def commit(self, name: str) -> str:
        """The whole hash of a branch."""
        return self.git("rev-parse", name).strip()

    def checkout(self, name: str, folder: Path) -> Path:
        """A folder of its own with a branch checked out."""
        self.git("worktree", "add", "--quiet", "--detach", str(folder), name)
        return folder

    def git(self, *words: str) -> str:
        return subprocess.run(["git", *words], cwd=self.folder, capture_output=True, text=True, check=True).stdout

    def _add(self, name: str) -> None:
        self.git("checkout", "--quiet", "-b", name, "main")
        for where, old, new in filter(None, (VERSIONS[name], _FURTHER.get(name))):
            path = self.folder / where
            text = path.read_text(encoding="utf-8")
            assert old in text, f"{where} does not hold what the version {name} is to change"
            path.write_text(text.replace(old, new, 1), encoding="utf-8")
        self.git("commit", "--quiet", "--all", "-m", name)
        self.git("checkout", "--quiet", "main")
