"""The environment of a version: linked where the lock is the same, its own where it is not."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from ops.rollout.packages import ENVIRONMENTS, provide, prune_environments, require_importable
from service.cli.failures import Failure


class Place:
    """A checkout with a small environment, and a version laid out beside."""

    def __init__(self, folder: Path, lock: str = "a==1\n") -> None:
        self.checkout, self.versions = folder / "checkout", folder / "versions"
        self.own = self.checkout / "own"
        packages = self.own / "lib" / "python3.11" / "site-packages"
        packages.mkdir(parents=True)
        (packages / "a.py").write_text("VALUE = 1\n")
        (packages / "emini-rag.pth").write_text(f"{self.checkout}\n")
        (self.own / "bin").mkdir()
        (self.own / "bin" / "python").symlink_to(sys.executable)
        (self.checkout / "requirements.txt").write_text("a==1\n")
        self.place = self.versions / "0123456789ab"
        self.place.mkdir(parents=True)
        (self.place / "requirements.txt").write_text(lock)

    def provide(self) -> None:
        provide(self.place, self.versions, self.checkout, self.own)


def test_the_same_lock_shares_files_and_a_later_change_of_the_checkout_does_not_reach_them(tmp_path: Path) -> None:
    here = Place(tmp_path)
    here.provide()
    package = here.place / ".venv" / "lib" / "python3.11" / "site-packages" / "a.py"
    original = here.own / "lib" / "python3.11" / "site-packages" / "a.py"
    assert package.stat().st_ino == original.stat().st_ino
    assert not package.with_name("emini-rag.pth").exists()
    assert original.with_name("emini-rag.pth").exists()
    # As pip does it.
    original.unlink()
    original.write_text("VALUE = 2\n")
    here.provide()
    assert package.read_text() == "VALUE = 1\n"
    assert len(list((here.versions / ENVIRONMENTS).iterdir())) == 1


def test_a_half_made_environment_is_made_anew(tmp_path: Path) -> None:
    here = Place(tmp_path)
    here.provide()
    made = (here.place / ".venv").resolve()
    half = made.with_name(f".new-{made.name}")
    made.rename(half)
    (half / "lib" / "python3.11" / "site-packages" / "a.py").unlink()
    here.provide()
    assert (here.place / ".venv" / "lib" / "python3.11" / "site-packages" / "a.py").exists()
    assert not half.exists()


def test_another_lock_is_installed_by_the_versions_own_set_up(tmp_path: Path) -> None:
    here = Place(tmp_path, lock="a==2\n")
    setup = here.place / "ops" / "setup"
    setup.mkdir(parents=True)
    for package in (here.place / "ops", setup):
        (package / "__init__.py").touch()
    (setup / "environment.py").write_text("import pathlib; pathlib.Path('.venv/bin').mkdir(parents=True)\n")
    here.provide()
    assert (here.place / ".venv").is_symlink()
    assert (here.place / ".venv" / "bin").is_dir()
    (setup / "environment.py").write_text("raise SystemExit(1)\n")
    (here.place / "requirements.txt").write_text("a==3\n")
    with pytest.raises(Failure, match="could not be installed"):
        here.provide()


def test_packages_that_do_not_fit_are_told_and_leave_nothing(tmp_path: Path) -> None:
    here = Place(tmp_path)
    # For whatever reason nothing can be copied.
    shutil.rmtree(here.own)
    with pytest.raises(Failure, match="The packages cannot be put into"):
        here.provide()
    assert list((here.versions / ENVIRONMENTS).iterdir()) == []
    assert not (here.place / ".venv").exists()


def test_an_environment_goes_with_the_last_version_that_has_it(tmp_path: Path) -> None:
    here = Place(tmp_path)
    here.provide()
    folder = here.place.parent
    (folder / "environments" / "of-another").mkdir()
    prune_environments(folder)
    assert (here.place / ".venv").exists()
    assert [one.name for one in (folder / "environments").iterdir()] == [(here.place / ".venv").resolve().name]
    shutil.rmtree(here.place)
    prune_environments(folder)
    assert list((folder / "environments").iterdir()) == []


def _version(folder: Path, main: str, settings: str = "def load_settings():\n    return 1\n") -> Path:
    (folder / "service").mkdir(parents=True)
    (folder / "service" / "__init__.py").touch()
    (folder / "service" / "__main__.py").write_text(main)
    (folder / "service" / "settings.py").write_text(settings)
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "python").symlink_to(sys.executable)
    return folder


def test_what_cannot_be_imported_is_refused_with_its_reason(tmp_path: Path) -> None:
    require_importable(_version(tmp_path / "good", "x = 1\n"), os.environ)
    with pytest.raises(Failure, match="cannot be started") as failed:
        require_importable(_version(tmp_path / "bad", "import nothing_like_this\n"), None)
    assert "nothing_like_this" in failed.value.why
    assert failed.value.lines
    with pytest.raises(Failure, match="cannot be started"):
        require_importable(tmp_path / "not there", None)


def test_settings_that_it_refuses_are_found_before_it_is_started(tmp_path: Path) -> None:
    strict = "import os\ndef load_settings():\n    if 'RAG_OLD' in os.environ: raise ValueError('RAG_OLD is unknown')\n"
    place = _version(tmp_path / "strict", "x = 1\n", strict)
    require_importable(place, None)
    require_importable(place, {})
    with pytest.raises(Failure, match="cannot be started") as failed:
        require_importable(place, {"RAG_OLD": "1"})
    assert "RAG_OLD is unknown" in failed.value.why
