"""`emini-rag version`."""

import platform

from service.version import read_version
from tests.unit.cli.conftest import Shell


def test_version_names_what_runs(shell: Shell) -> None:
    told = shell("version")
    assert (told.exit_code, told.stdout) == (
        0,
        f"emini-rag {read_version()}, Python {platform.python_version()}\n",
    )


def test_an_image_names_its_revision(shell: Shell) -> None:
    shell.changes["revision"] = "abc123"
    assert "revision abc123" in shell("version").stdout


def test_a_deployed_version_carries_its_commit(shell: Shell) -> None:
    shell.changes["revision"] = "1a6601db6573" + "0" * 28
    assert shell("version").stdout.startswith(f"emini-rag {read_version()}+1a6601db6573, revision 1a6601db6573")
